// How the auth process gets the memory for its hashes.
#pragma once

namespace ftpc::server {

// Makes malloc keep what scrypt gives back instead of returning it to the kernel, for the whole process;
// called once, before the first thread. The memory kept is that of the hashes which are worked on at the same
// time.
void retain_hash_memory();

} // namespace ftpc::server

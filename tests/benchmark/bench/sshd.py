"""OpenSSH's server on a loopback port, for batches of directories with sftp."""
import subprocess

from bench.packages import Unpacked
from bench.processes import Daemon, free_port
from bench.server import Server

# It insists on a directory and a user of its own, which are there in a mount namespace alone.
START = """
mount --bind "$1" /etc/passwd && mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && shift && exec "$@"
"""
SETTINGS = """
Port {port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {user_key}.pub
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
LogLevel ERROR
Subsystem sftp internal-sftp
"""


class Sshd(Server):
    name = "OpenSSH sftp"

    def __init__(self, bench):
        package = Unpacked(bench.cache, "openssh-server", "openssh-client")
        self._package = package
        place = bench.place
        home = place.home("sftp/home")
        self.user_key = place.path("ssh-user-key")
        host_key = place.path("ssh-host-key")
        for key in (host_key, self.user_key):
            subprocess.run([package.file("usr/bin/ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key],
                           check=True)
        port = free_port()
        settings = place.path("sshd.conf")
        settings.write_text(SETTINGS.format(port=port, host_key=host_key, user_key=self.user_key), encoding="ascii")
        passwd = place.with_user("sshd", "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin")
        daemon = Daemon(place.log("sshd"), ["unshare", "--mount", "sh", "-c", START, "sh", passwd,
                                                 package.file("usr/sbin/sshd"), "-D", "-e", "-f", settings],
                        env=package.environment)
        super().__init__(daemon, port, home, package.version())

    def client(self, port=None):
        """The sftp command for a batch on standard input."""
        return [self._package.file("usr/bin/sftp"), "-S", self._package.file("usr/bin/ssh"), "-q", "-b", "-", "-i", str(self.user_key), "-P", str(port or self.port),
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                "-o", "IdentityAgent=none", "root@127.0.0.1"]

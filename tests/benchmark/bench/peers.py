"""The other servers, each set up for speed as far as is sensible: no look-ups of names, no log of transfers."""
import pwd
import subprocess

from bench.packages import Unpacked
from bench.place import OWNER
from bench.processes import Daemon, free_port
from bench.server import PASSWORD, USER, Server

PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for


def hashed_password():
    """For the peers that have a file of users: a hash that costs next to nothing, as that of ftpcd does. pure-pw by itself
    would make one that takes a second, and 200 sessions would then take minutes to log in."""
    return subprocess.run(["openssl", "passwd", "-1", "-stdin"], check=True, input=PASSWORD + "\n", text=True,
                          capture_output=True).stdout.strip()


MOST_LISTED = "2000000:1"  # of a directory and of levels: without it a listing ends after 10,000 entries


class PureFtpd(Server):
    name = "Pure-FTPd"

    def __init__(self, bench, name="pure", below=None):
        package = Unpacked(bench.cache, "pure-ftpd", "pure-ftpd-common")
        place = bench.place
        home = place.home(f"{name}/{USER}", below)
        owner = pwd.getpwnam(OWNER)
        users = place.path(f"{name}.passwd")
        users.write_text(f"{USER}:{hashed_password()}:{owner.pw_uid}:{owner.pw_gid}::{home}/./" + ":" * 12 + "\n",
                         encoding="ascii")
        subprocess.run([package.file("usr/bin/pure-pw"), "mkdb", place.path(f"{name}.pdb"), "-f", users], check=True,
                       capture_output=True, text=True, env=package.environment)
        port = free_port()
        daemon = Daemon(place.log(name), [
            package.file("usr/sbin/pure-ftpd"), "-S", f"127.0.0.1,{port}", "-l", f"puredb:{place.path(f'{name}.pdb')}",
            "-Y", "1", "-H", "-E", "-c", "20000", "-C", "20000", "-L", MOST_LISTED, "-2", bench.certificate_and_key(),
            "-g", place.path(f"{name}.pid")], env=package.environment)
        super().__init__(daemon, port, home, package.version())


# Its PAM service and its user, a local one, exist in a mount namespace of the server's own.
VSFTPD_PAM = "auth required pam_permit.so\naccount required pam_permit.so\n"
VSFTPD_START = 'mount --bind "$1" /etc/pam.d && mount --bind "$2" /etc/passwd && exec "$3" "$4"'
VSFTPD_SETTINGS = """
background=NO
listen=YES
listen_address=127.0.0.1
listen_port={port}
local_enable=YES
ftp_username={owner}
nopriv_user={owner}
chroot_local_user=YES
allow_writeable_chroot=YES
secure_chroot_dir={empty}
check_shell=NO
pam_service_name=ftpc-benchmark
write_enable=YES
xferlog_enable=NO
session_support=NO
isolate_network=NO
max_clients=0
max_per_ip=0
ssl_enable=YES
force_local_logins_ssl=YES
rsa_cert_file={certificate}
rsa_private_key_file={key}
"""


class Vsftpd(Server):
    name = "vsftpd"

    def __init__(self, bench):
        package = Unpacked(bench.cache, "vsftpd")
        place = bench.place
        home = place.home(f"vsftpd/{USER}")
        pam = place.path("vsftpd-pam.d")
        nothing = place.path("vsftpd-empty")
        pam.mkdir()
        nothing.mkdir()
        (pam / "ftpc-benchmark").write_text(VSFTPD_PAM, encoding="ascii")
        port = free_port()
        settings = place.path("vsftpd.conf")
        settings.write_text(VSFTPD_SETTINGS.format(port=port, owner=OWNER, empty=nothing,
                                                   certificate=bench.certificate, key=bench.key), encoding="ascii")
        owner = pwd.getpwnam(OWNER)
        passwd = place.with_user("vsftpd", f"{USER}:x:{owner.pw_uid}:{owner.pw_gid}::{home}:/bin/sh")
        daemon = Daemon(place.log("vsftpd"), ["unshare", "--mount", "sh", "-c", VSFTPD_START, "sh", pam, passwd,
                                                   package.file("usr/sbin/vsftpd"), settings],
                        env=package.environment)
        super().__init__(daemon, port, home, package.version())


PROFTPD_SETTINGS = """
ModulePath {modules}
LoadModule mod_tls.c
ServerType standalone
ServerName benchmark
DefaultAddress 127.0.0.1
Port {port}
UseIPv6 off
UseReverseDNS off
WtmpLog off
TransferLog none
SystemLog none
DelayEngine off
User {owner}
Group {owner}
AuthOrder mod_auth_file.c
AuthUserFile {users}
RequireValidShell off
DefaultRoot ~
PidFile {place}/proftpd.pid
ScoreboardFile {place}/proftpd.scoreboard
TLSEngine on
TLSRequired on
TLSProtocol TLSv1.2 TLSv1.3
TLSECCertificateFile {certificate}
TLSECCertificateKeyFile {key}
TLSLog none
"""


class ProFtpd(Server):
    name = "ProFTPD"

    def __init__(self, bench):
        package = Unpacked(bench.cache, "proftpd-core", "proftpd-mod-crypto")
        place = bench.place
        home = place.home(f"proftpd/{USER}")
        owner = pwd.getpwnam(OWNER)
        users = place.path("proftpd.passwd")
        users.write_text(f"{USER}:{hashed_password()}:{owner.pw_uid}:{owner.pw_gid}::{home}:/bin/false\n", encoding="ascii")
        users.chmod(0o600)
        port = free_port()
        settings = place.path("proftpd.conf")
        settings.write_text(PROFTPD_SETTINGS.format(
            modules=package.file("usr/lib/proftpd"), port=port, owner=OWNER, users=users, place=place.directory,
            certificate=bench.certificate, key=bench.key), encoding="ascii")
        daemon = Daemon(place.log("proftpd"), [package.file("usr/sbin/proftpd"), "-n", "-q", "-c", settings],
                        env=package.environment)
        super().__init__(daemon, port, home, package.version())


PYFTPDLIB_SERVER = """
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer
user, password, home, port, both = sys.argv[1:]
logging.disable(logging.CRITICAL)
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, home, perm="elradfmw")
class Handler(TLS_FTPHandler):
    pass
Handler.authorizer = authorizer
Handler.certfile = both
Handler.tls_control_required = True
server = FTPServer(("127.0.0.1", int(port)), Handler, backlog=1024)
server.max_cons = 0
server.serve_forever()
"""


class Pyftpdlib(Server):
    name = "pyftpdlib"

    def __init__(self, bench):
        package = Unpacked(bench.cache, "python3-pyftpdlib", "python3-openssl")
        home = bench.place.home(f"pyftpdlib/{USER}")
        port = free_port()
        modules = package.file("usr/lib/python3/dist-packages")
        daemon = Daemon(bench.place.log("pyftpdlib"),
                        [PYTHON, "-c", PYFTPDLIB_SERVER, USER, PASSWORD, home, port, bench.certificate_and_key()],
                        env={**package.environment, "PYTHONPATH": str(modules)}, user=OWNER, group=OWNER)
        super().__init__(daemon, port, home, package.version())


PEERS = (PureFtpd, Vsftpd, ProFtpd, Pyftpdlib)


def start(kind, bench):
    server = kind(bench)
    try:
        server.daemon.await_port(server.port)
    except BaseException:
        server.stop()
        raise
    return server

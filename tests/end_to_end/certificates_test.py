"""Certificates that clients cannot use, or refuse: `check` names them, and so does the start."""
import os
import re
import unittest

from harness import IS_ROOT, EndToEndTest, run
from control_client import can_log_in

P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(*arguments, **options):
    done = run("openssl", *[str(argument) for argument in arguments], **options)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


class Certificates(EndToEndTest):
    def setUp(self):
        self.site = self.make_site()
        self.own = self.site.directory
        self.start(self.site).stop()  # makes the tree

    def make_own(self, *options, subject="/CN=localhost", newkey=P256):
        openssl("req", "-x509", "-nodes", "-days", 9, *newkey, "-subj", subject, "-keyout", self.own / "key.pem", "-out",
                self.own / "own.pem", *options)

    def make_chain(self):
        """own.pem for key.pem, and ca.pem, which issued it; the root is needed by nobody."""
        for name, issuer, extension in (("root", "", "basicConstraints=critical,CA:TRUE"), ("ca", "root", "basicConstraints=critical,CA:TRUE"),
                                        ("own", "ca", "subjectAltName=DNS:localhost")):
            (self.own / "extension").write_text(extension, encoding="ascii")
            key = self.own / ("key.pem" if name == "own" else f"{name}.key")
            request = openssl("req", "-new", "-nodes", *P256, "-subj", f"/CN={name}", "-keyout", key)
            signer = ("-CA", self.own / f"{issuer}.pem", "-CAkey", self.own / f"{issuer}.key") if issuer else ("-signkey", key)
            openssl("x509", "-req", "-days", 9, *signer, "-extfile", self.own / "extension", "-out", self.own / f"{name}.pem", input=request)
        return (self.own / "own.pem").read_bytes(), (self.own / "ca.pem").read_bytes()

    def use(self, certificate=None):
        if certificate is not None:
            (self.own / "own.pem").write_bytes(certificate)
        self.site.configure(certificate=self.own / "own.pem", key=self.own / "key.pem")

    def check(self, *parts):
        """The one problem that `check` names; none without parts."""
        self.use()
        done = self.site.ftpcd("check")
        if not parts:
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        else:
            self.assertEqual(done.returncode, 1)
            self.assert_one_line(done.stderr, *parts)
        return done

    def assert_refused(self, *parts):
        self.check(*parts)
        done = self.site.ftpcd("serve")
        self.assertEqual(done.returncode, 1)
        self.assert_one_line(done.stderr, *parts)

    def assert_served(self, *problem):
        """With the problem as an event, if there is one."""
        self.check(*problem)
        server = self.start(self.site)
        self.assertTrue(can_log_in(server.port))
        events = re.findall("event=certificate-problem .*", server.log.text)
        self.assertEqual(len(events), 1 if problem else 0, server.log.text)
        for part in problem:
            self.assertIn(part, events[0])
        self.assertEqual(server.stop(), 0)

    def test_keys_that_no_client_can_use_are_refused(self):
        for kind, said in ((("ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "a key on the curve secp256k1"),
                           (("ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"), "a key on the curve brainpoolP256r1"),
                           (("ec", "-pkeyopt", "ec_paramgen_curve:P-224"), "a key on the curve secp224r1"), (("rsa:1024",), "an RSA key of 1024 bits")):
            with self.subTest(kind):
                self.make_own(newkey=("-newkey", *kind))
                self.assert_refused("own.pem: the certificate has " + said, "TLS clients take ECDSA on P-256")

    def test_keys_that_clients_can_use_are_served(self):
        for kind in (("ec", "-pkeyopt", "ec_paramgen_curve:P-384"), ("ec", "-pkeyopt", "ec_paramgen_curve:P-521"), ("rsa:2048",), ("ed25519",),
                     ("ed448",)):
            with self.subTest(kind):
                self.make_own(newkey=("-newkey", *kind))
                self.assert_served()

    def test_a_chain_that_was_cut_off_anywhere_is_refused(self):
        own, ca = self.make_chain()
        for cut in (own + ca[:-200], own + ca[:-10], own + ca[:40], own + b"-----BEGIN CERTIF", own + b"--", own[:-100]):
            with self.subTest(cut[-20:]):
                self.use(cut)
                self.assert_refused("own.pem: ", "damaged or was cut off")

    def test_a_chain_is_served_as_editors_of_any_system_write_it(self):
        own, ca = self.make_chain()
        for chain in (own + ca, (own + ca).replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + own + ca, b"subject=CN = own\n\n" + own + ca):
            self.use(chain)
            self.assert_served()
        self.assertIn("certificate: CN=own, issued by CN=root, whose certificate clients need to have", self.check().stdout)

    def test_a_chain_in_the_wrong_order_is_named(self):
        own, ca = self.make_chain()
        self.use(own + (self.own / "root.pem").read_bytes() + ca)
        self.assert_served("certificate 2 of the chain, CN=root, has not issued the one before it")
        self.use(ca + own)
        self.assert_refused("own.pem: the key is not that of the first certificate but of certificate 2")

    def test_certificates_that_only_careful_clients_refuse_are_named(self):
        for options, said in ((("-addext", "extendedKeyUsage=clientAuth"), "is not for servers"),
                              (("-addext", "keyUsage=keyEncipherment"), "is not for TLS 1.3"),
                              (("-addext", "subjectAltName=DNS:other.invalid"), "is for other.invalid, and this machine is called ")):
            with self.subTest(said):
                self.make_own(*options)
                self.assert_served(said)
        self.make_own(subject="/CN=other.invalid")
        self.assert_served("is for other.invalid, and this machine is called ")

    def test_names_of_this_machine_are_no_problem(self):
        name = os.uname().nodename
        for names in ("IP:127.0.0.1", "DNS:other.invalid,DNS:localhost", "DNS:*.example.org", f"DNS:{name}.example.org", f"DNS:{name.upper()}"):
            with self.subTest(names):
                self.make_own("-addext", f"subjectAltName={names}", subject="/CN=x")
                self.check()

    def test_files_of_another_kind_are_named_for_what_they_are(self):
        self.make_own()
        pem = (self.own / "own.pem").read_bytes()
        openssl("x509", "-in", self.own / "own.pem", "-outform", "DER", "-out", self.own / "own.pem")
        self.assert_refused("own.pem: not a PEM certificate but a binary file")
        self.use(pem)
        key = self.own / "key.pem"
        plain = key.read_bytes()
        for form, said in ((("-outform", "DER"), "not a PEM private key but a binary file"),
                           (("-aes128", "-passout", "pass:word"), "encrypted, and nobody can type its passphrase here")):
            (self.own / "plain.pem").write_bytes(plain)
            openssl("pkey", "-in", self.own / "plain.pem", *form, "-out", key)
            self.assert_refused("key.pem: " + said)

    def test_a_private_key_in_the_file_of_the_certificate_stays_private(self):
        self.make_own()
        both = (self.own / "own.pem").read_bytes() + (self.own / "key.pem").read_bytes()
        self.use(both)
        (self.own / "own.pem").chmod(0o644)
        self.check("own.pem: has the private key in it, and others can read it; mend it with: chmod 600 ")
        (self.own / "own.pem").chmod(0o600)
        self.check()
        self.assertNotIn("PRIVATE", self.site.ftpcd("fingerprint", "--pem").stdout)

    @unittest.skipUnless(IS_ROOT, "only root gives a file away")
    def test_a_key_that_belongs_to_another_user_is_named(self):
        self.make_own()
        os.chown(self.own / "key.pem", 65534, 65534)
        self.check("key.pem: belongs to another user (65534), who can read it; mend it with: chown root ")

    @unittest.skipUnless(IS_ROOT, "only root names a machine")
    def test_the_certificate_of_its_own_follows_the_name_of_the_machine(self):
        before = self.site.fingerprint()
        names = {}
        for name in ("first", "SECOND.example.org", "a_b", "with,DNS:evil.example.org", "with space", "*.example.org", "(none)", "x" * 64):
            server = self.start(self.site, wrapper=("unshare", "-u", "sh", "-c", 'printf %s "$1" > /proc/sys/kernel/hostname; shift; exec "$@"',
                                                    "sh", name))
            names[name] = openssl("x509", "-in", self.site.certificate, "-noout", "-ext", "subjectAltName")
            self.assertEqual(server.stop(), 0)
            self.assertEqual(self.site.fingerprint(), before, "the key stays")
        for name in ("first", "SECOND.example.org", "a_b"):
            self.assertIn(f"DNS:{name},", names[name])
        for name in ("with,DNS:evil.example.org", "with space", "*.example.org", "(none)", "x" * 64):
            self.assertEqual(names[name], names["a_b"], "no name for clients, so the certificate stays")


if __name__ == "__main__":
    unittest.main()

"""The pages for people say what the programs do: every setting with its default, every link leads somewhere."""
import re
import unittest

from harness import FTPCD, SOURCE, run

PAGES = [*SOURCE.glob("*.md"), *SOURCE.glob("docs/*.md")]


def settings_of_the_program():
    """Names, and the default that stands in parentheses behind each explanation."""
    text = run(FTPCD, "serve", "--help").stdout
    text = text[text.index("Settings"):text.index("General:")]
    entries = re.split(r"^  --", text, flags=re.MULTILINE)[1:]
    found = {}
    for entry in entries:
        words = " ".join(entry.split())
        found[words.split(" ")[0]] = words.rpartition("(")[2].rstrip(")")
    del found["config"]  # where the others stand, and none of them
    return found


def settings_of_the_page():
    """Pairs of a name and its default, of defaults in a row the first."""
    text = (SOURCE / "docs/settings.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([a-z-]+)` \| `?([^|`]*[^|` ])`?[^|]* \|", text, re.MULTILINE)


class Documents(unittest.TestCase):
    def test_the_page_of_settings_names_every_setting_once(self):
        self.assertEqual(sorted(name for name, _ in settings_of_the_page()), sorted(settings_of_the_program()))

    def test_the_page_of_settings_has_the_defaults_of_the_program(self):
        documented = dict(settings_of_the_page())
        for name, default in settings_of_the_program().items():
            self.assertIn(documented[name], default, name)

    def test_links_between_pages_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_every_test_that_a_page_names_is_there(self):
        there = {path.name for path in (SOURCE / "tests").rglob("*_test.*")}
        for page in PAGES:
            named = set(re.findall(r"\w+_test\.(?:py|cpp)", page.read_text(encoding="utf-8")))
            self.assertEqual(named - there, set(), page.name)

    def test_readme_is_short(self):
        lines = (SOURCE / "README.md").read_text(encoding="utf-8").count("\n")
        self.assertLessEqual(lines, 120)


if __name__ == "__main__":
    unittest.main()

"""The pages for people describe the programs as they are, in plain words, and so do all comments; every link leads somewhere."""
import ast
import re
import unittest

from harness import FTPCD, SOURCE, run

PAGES = [*SOURCE.glob("*.md"), *SOURCE.glob("docs/*.md")]
# Files with comments for people, which begin with '#'.
PLAIN_COMMENTS = [SOURCE / "users.db.example", *SOURCE.glob("packaging/*/*/*.conf")]
CODE = [path for room in ("src", "tests") for kind in ("*.cpp", "*.hpp", "*.py") for path in sorted((SOURCE / room).rglob(kind))]
MOST_WORDS = 25
# Words of docs/security.md, and the constant that they speak of.
NUMBERS = [
    ("take turns of {:,} ms", "ftp/connection.cpp", "turn_time"),
    ("remembers the last {:,} such addresses", "transport/admission.hpp", "most_trusted"),
    ("At most {:,} parents wait", "ftp/commands/client_directories.hpp", "most_parents_of_home"),
    ("{:,} times as long away", "storage/quota.cpp", "good_for"),
    ("at most {:,} times at once", "time/address_rate.hpp", "burst"),
    ("times at once and {:,} times a second", "time/address_rate.hpp", "a_second"),
    ("{:,} lines a second", "log/event_log.hpp", "unauthenticated_lines_a_second"),
]


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


def headings_of(page):
    """As links name them: small letters, hyphens for spaces, no other marks."""
    headings = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks_of(page):
    """Paragraphs, list items and cells of tables, without code: no sentence crosses their ends."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^( {4}|#).*$", "", text, flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) |\|)", text):
        # Cells are terse: there ';' separates statements.
        yield from re.split(r"\||;", block) if block.startswith("|") else [block]


def comments_of(page):
    comment = re.sub(r"^(?!#).*$|^# ?", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return re.split(r"\n\s*\n|\n(?= {2,}[A-Za-z-]+=? {2,})", comment)


def comment_lines_of(text, mark):
    """Runs of comments on lines of their own, and comments behind code; None parts them."""
    for line in text.splitlines():
        whole = re.match(rf"\s*{mark}(?!!) ?(.*)", line)
        behind = None if whole else re.search(rf"\S\s+{mark} ([^\"]*)$", line)
        found = (whole or behind or [None, None])[1]
        # An indented line shows a form, an empty one parts paragraphs; some lines are for other programs.
        is_prose = found and not re.match(r"\s{2}|protection: |NOLINT|clang-format|namespace", found)
        yield from [found] if is_prose and whole else [None, found, None] if is_prose else [None]


def docstrings_of(text):
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found = [ast.get_docstring(node) for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    return [block for docstring in found if docstring for block in re.split(r"\n\s*\n|\n(?= {2})", docstring)]


def code_comments_of(path):
    text = path.read_text(encoding="utf-8")
    is_python = path.suffix == ".py"
    runs = "\n".join(line or "" for line in comment_lines_of(text, "#" if is_python else "//"))
    return re.split(r"\n\n+", runs) + (docstrings_of(text) if is_python else [])


def test_names_of(path):
    """As sentences: those of Catch2 as they are, those of unittest without the underscores."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [name.replace("_", " ") for name in re.findall(r"def test_(\w+)", text)]
    return re.findall(r"(?:TEST_CASE|SECTION)[^\"]*\"([^\"]+)", text)


def sentences_of(block):
    """A piece of code counts as one word, a link as its text."""
    block = re.sub(r"`[^`]*`", "Code", block)
    block = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", block)
    plain = " ".join(block.replace("**", "").split())
    return re.split(r"(?<=[.!?])\s+(?=[\w\"'(≥])|\s·\s", plain)


def words_of(sentence):
    return [word for word in sentence.split() if re.search(r"\w", word)]


class Documents(unittest.TestCase):
    def test_the_page_of_settings_names_every_setting_once(self):
        self.assertEqual(sorted(name for name, _ in settings_of_the_page()), sorted(settings_of_the_program()))

    def test_the_page_of_settings_has_the_defaults_of_the_program(self):
        documented = dict(settings_of_the_page())
        for name, default in settings_of_the_program().items():
            self.assertIn(documented[name], default, name)

    def test_links_between_pages_lead_somewhere(self):
        for page in PAGES:
            for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
                file = page.parent / target if target else page
                self.assertTrue(file.exists(), f"{page.name}: {target}")
                if heading:
                    self.assertIn(heading, headings_of(file), f"{page.name}: {target}")

    def test_every_test_that_a_page_names_is_there(self):
        there = {path.name for path in (SOURCE / "tests").rglob("*_test.*")}
        for page in PAGES:
            named = set(re.findall(r"\w+_test\.(?:py|cpp)", page.read_text(encoding="utf-8")))
            self.assertEqual(named - there, set(), page.name)

    def test_readme_is_short(self):
        lines = (SOURCE / "README.md").read_text(encoding="utf-8").count("\n")
        self.assertLessEqual(lines, 120)

    def test_decisions_are_numbered_in_order_and_have_their_parts(self):
        text = (SOURCE / "docs/decisions.md").read_text(encoding="utf-8")
        records = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
        self.assertEqual([int(record.split(".")[0]) for record in records], list(range(1, len(records) + 1)))
        for record in records:
            self.assertEqual(re.findall(r"^- \*\*(\w+)\.\*\*", record, re.MULTILINE),
                             ["Context", "Decision", "Cost"], record)

    def test_every_source_that_the_page_of_architecture_names_is_there(self):
        for page in ("architecture.md", "decisions.md"):
            text = (SOURCE / "docs" / page).read_text(encoding="utf-8")
            rooms = {path.name for path in SOURCE.glob("src/*/*") if path.is_dir()}
            for room, name in re.findall(r"`(?:shared/)?([a-z]+)/([a-z_/]+)`", text):
                if room in rooms:
                    self.assertTrue([*SOURCE.glob(f"src/*/{room}/{name}*")], f"{page}: {room}/{name}")



class Security(unittest.TestCase):
    def test_the_numbers_of_the_page_are_those_of_the_program(self):
        page = " ".join((SOURCE / "docs/security.md").read_text(encoding="utf-8").split())
        for words, file, constant in NUMBERS:
            source = (SOURCE / "src/server" / file).read_text(encoding="utf-8")
            number = re.search(rf"\b{constant}\b(?:\{{| = )(\d+)", source)
            with self.subTest(constant):
                self.assertIn(words.format(int(number[1])), page)


class PlainWords(unittest.TestCase):
    def each_sentence(self):
        for page in PAGES:
            for block in blocks_of(page):
                yield from ((page, sentence) for sentence in sentences_of(block))
        for page in PLAIN_COMMENTS:
            for block in comments_of(page):
                yield from ((page, sentence) for sentence in sentences_of(block))
        for page in CODE:
            for block in code_comments_of(page):
                yield from ((page, sentence) for sentence in sentences_of(block))

    def test_no_sentence_has_more_than_25_words(self):
        long = [f"{page.name}: {sentence}" for page, sentence in self.each_sentence()
                if len(words_of(sentence)) > MOST_WORDS]
        self.assertEqual(long, [], "\n".join(long))

    def test_no_sentence_has_a_clause_for_its_subject(self):
        """'Who comes late waits.' is hard to read; 'A late client waits.' is not. A question may begin so."""
        found = [f"{page.name}: {sentence}" for page, sentence in self.each_sentence()
                 if re.match(r"(Who|Whoever|Whom|Whose|What|Whatever|Of (?!course)) ", sentence) and not sentence.endswith("?")]
        self.assertEqual(found, [], "\n".join(found))

    def test_no_test_has_a_clause_for_its_subject(self):
        found = [f"{path.name}: {name}" for path in CODE for name in test_names_of(path)
                 if re.match(r"(who|whoever|what|whatever|where) ", name)]
        self.assertEqual(found, [], "\n".join(found))

    def test_no_sentence_has_a_vague_pronoun(self):
        vague = re.compile(r"\b(?:who|what|which)ever\b", re.IGNORECASE)
        found = [f"{page.name}: {sentence}" for page, sentence in self.each_sentence() if vague.search(sentence)]
        found += [f"{path.name}: {name}" for path in CODE for name in test_names_of(path) if vague.search(name)]
        self.assertEqual(found, [], "\n".join(found))

    def test_each_thing_has_the_word_of_its_field(self):
        odd = re.compile(r"\b(?:strangers?|workplaces?|obstacles?|patience|SharedServices)\b", re.IGNORECASE)
        for page in PAGES:
            self.assertEqual(odd.findall(page.read_text(encoding="utf-8")), [], page.name)
        for path in CODE:
            if path.name != "documents_test.py":
                self.assertNotIn("stranger", path.read_text(encoding="utf-8").lower(), path.name)


if __name__ == "__main__":
    unittest.main()

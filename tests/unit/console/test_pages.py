"""What the console's files must never do: read an answer as markup, run code from a string, ask another host."""

import re

from backburner.console.pages import read_pages

PAGES = {name: page.body.decode() for name, page in read_pages().items()}
SCRIPTS = {name: text for name, text in PAGES.items() if name.endswith(".js")}
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|setHTML"
)
CODE_FROM_TEXT = re.compile(r"\beval\(|new Function|setTimeout\(\s*[\"'`]|javascript:")
FOREIGN = re.compile(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[\w-]+\.[\w.-]+")
MOST_LINES = 220


def test_there_are_pages() -> None:
    assert {"index.html", "console.css", "main.js", "dom.js"} <= set(PAGES)


def test_nothing_is_ever_read_as_markup_or_run_from_text() -> None:
    found = [(name, match.group()) for name, text in SCRIPTS.items() for match in MARKUP.finditer(text)]
    found += [
        (name, match.group()) for name, text in SCRIPTS.items() for match in CODE_FROM_TEXT.finditer(text)
    ]
    assert found == []
    assert MARKUP.search("node.innerHTML = answer")
    assert CODE_FROM_TEXT.search('setTimeout("run()", 1)')


def test_nothing_is_fetched_from_elsewhere() -> None:
    found = [(name, match.group()) for name, text in PAGES.items() for match in FOREIGN.finditer(text)]
    assert found == []
    assert FOREIGN.search('import "https://cdn.example.com/x.js"')


def test_the_page_itself_has_no_script_or_style_inside() -> None:
    html = PAGES["index.html"]
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", html) == []


def test_every_module_that_is_imported_exists() -> None:
    named = {
        (name, there) for name, text in SCRIPTS.items() for there in re.findall(r'from "\./([\w.]+)"', text)
    }
    assert len(named) > 20
    assert {there for _, there in named} - set(PAGES) == set()
    imported = {there for _, there in named} | {"main.js"}
    assert set(SCRIPTS) - imported == set(), "a module that nothing uses"


def test_files_stay_small() -> None:
    assert {name: text.count("\n") for name, text in SCRIPTS.items() if text.count("\n") > MOST_LINES} == {}

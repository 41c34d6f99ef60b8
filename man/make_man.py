#!/usr/bin/env python3
"""Makes the man pages out of what the programs and the header say about themselves.

    make_man.py BUILD OUT      libtidemark(3), tide_*(3), tidemark(1), tidemark.conf(5), tidemarkd(8)
"""
import os
import re
import subprocess
import sys
import tempfile

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "tidemark.h")


def escape(text):
    """Text as it stands; a line that begins with . or ' would be a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def verbatim(text):
    return f".nf\n{escape(text.rstrip())}\n.fi\n"


def page(name, section, summary, body):
    return (f'.TH "{escape(name)}" "{section}" "" "tidemark" "tidemark"\n'
            f".SH NAME\n{escape(name)} \\- {escape(summary)}\n{body}")


def section(title, body):
    return f".SH {title}\n{body}"


# ---- the library ----

def comment_text(comment):
    """What stands in a C comment, without its frame."""
    lines = [re.sub(r"^\s*(/\*|\*/|\*)?\s?", "", line) for line in comment.splitlines()]
    return re.sub(r"\s*\*/\s*$", "", "\n".join(lines)).strip("\n")


def paragraphs(text):
    """Indented parts are tables and stay as they are; the rest is filled."""
    out = []
    for part in re.split(r"\n\s*\n", text):
        out.append(".PP\n" + (verbatim(part) if re.search(r"^\s", part, re.M) else escape(part) + "\n"))
    return "".join(out)


def functions(header):
    """(name, prototype, comment) of each function, in order."""
    pattern = re.compile(r"(/\*(?:(?!\*/).)*\*/)\n((?:enum tide_result|void|int)\s+(tide_\w+)\([^;]*\);)", re.S)
    return [(name, prototype, comment_text(comment)) for comment, prototype, name in pattern.findall(header)]


def types(header):
    """The enums and structs that callers fill in or read, with their comments."""
    return "\n\n".join(re.findall(r"^(?:enum|struct) tide_\w+ \{.*?^\};", header, re.S | re.M))


def first_sentence(text):
    """The summary of a page: the comment's first sentence."""
    sentence = re.split(r"[.:;](?:\s|$)", " ".join(text.split()))[0]
    return sentence[0].lower() + sentence[1:]


def library_pages(header):
    known = functions(header)
    names = [name for name, _, _ in known]
    missing = set(re.findall(r"\b(tide_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.S))) - set(names)
    if missing:
        sys.exit(f"without a comment of their own in lib/tidemark.h: {', '.join(sorted(missing))}")
    yield "man3/libtidemark.3", page("libtidemark", 3, "the repository pattern over a tidemark cache", "".join([
        section("SYNOPSIS", ".nf\n#include <tidemark.h>\n.PP\ncc program.c \\-ltidemark \\-ljansson\n.fi\n"),
        section("DESCRIPTION", paragraphs(comment_text(re.match(r"/\*.*?\*/", header, re.S).group(0)))),
        section("TYPES", verbatim(types(header))),
        section("SEE ALSO", ",\n".join(f"\\fB{name}\\fR(3)" for name in names) + "\n")]))
    for name, prototype, text in known:
        yield f"man3/{name}.3", page(name, 3, first_sentence(text), "".join([
            section("SYNOPSIS", ".nf\n#include <tidemark.h>\n.PP\n.fi\n" + verbatim(prototype)),
            section("DESCRIPTION", paragraphs(text)),
            section("RETURN VALUE", "See \\fBlibtidemark\\fR(3).\n") if prototype.startswith("enum") else "",
            section("SEE ALSO", "\\fBlibtidemark\\fR(3)\n")]))


# ---- the programs ----

def says(build, *command):
    return subprocess.run([os.path.join(build, command[0]), *command[1:]], capture_output=True, text=True,
                          check=True).stdout


def tool_page(build):
    overview = says(build, "tidemark", "help")
    commands = re.findall(r"^  (\S+) +\S", overview, re.M)
    intro, ending = overview.split("\n\n")[0], overview.split("\n\n", 3)[-1]
    return page("tidemark", 1, "keep an SQLite file in step with a PostgreSQL database", "".join([
        section("SYNOPSIS", "\\fBtidemark\\fR [\\-c FILE] COMMAND [options]\n"),
        section("DESCRIPTION", escape(intro) + "\n.PP\n" + escape(ending)),
        section("COMMANDS", "".join(f".SS {escape(name)}\n" + verbatim(says(build, "tidemark", "help", name))
                                    for name in commands)),
        section("SEE ALSO", "\\fBtidemarkd\\fR(8), \\fBtidemark.conf\\fR(5), \\fBlibtidemark\\fR(3)\n")]))


def daemon_page(build):
    first, usage, rest = says(build, "tidemarkd", "--help").split("\n\n", 2)
    return page("tidemarkd", 8, "the daemon that keeps the file in step", "".join([
        section("SYNOPSIS", escape(usage.strip()) + "\n"),
        section("DESCRIPTION", escape(first) + "\n.PP\n" + verbatim(rest)),
        section("SEE ALSO", "\\fBtidemark\\fR(1), \\fBtidemark.conf\\fR(5)\n")]))


def settings_page(build):
    """The file that `tidemark init` writes explains every setting."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tidemark.conf")
        says(build, "tidemark", "-c", path, "init")
        with open(path, encoding="utf-8") as file:
            text = file.read()
    intro, rest = text.split("\n\n", 1)
    return page("tidemark.conf", 5, "the settings of tidemark and tidemarkd", "".join([
        section("DESCRIPTION", escape(re.sub(r"^# ?", "", intro, flags=re.M)) + "\n"),
        section("SETTINGS", verbatim(rest)),
        section("SEE ALSO", "\\fBtidemark\\fR(1), \\fBtidemarkd\\fR(8)\n")]))


def main(build, out):
    with open(HEADER, encoding="utf-8") as file:
        pages = dict(library_pages(file.read()))
    pages["man1/tidemark.1"] = tool_page(build)
    pages["man5/tidemark.conf.5"] = settings_page(build)
    pages["man8/tidemarkd.8"] = daemon_page(build)
    for name, text in pages.items():
        path = os.path.join(out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])

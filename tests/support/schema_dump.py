"""A database's schema as pg_dump prints it, in a form that can be compared: a second opinion,
independent of what autogenerate itself reads.

Left out is what a schema does not say: the order of objects, of a table's columns and of its
storage parameters, names of the sequences behind identity columns and of a partition's indexes,
whether a sequence is unlogged.
"""
import re
import subprocess

from support.cluster import program


def schema_dump(conninfo, schemas=None):
    """A sorted list of statements."""
    only = [f"--schema={name}" for name in schemas or []]
    text = subprocess.run([program("pg_dump"), "--schema-only", "--no-owner", "--exclude-schema=tidemark", *only, conninfo],
                          capture_output=True, text=True, check=True).stdout
    text = text.replace("CREATE UNLOGGED SEQUENCE", "CREATE SEQUENCE")
    for parent, part in re.findall(r"(?m)^ALTER INDEX (.*) ATTACH PARTITION (.*);$", text):
        part = re.search(r'("[^"]+"|[^."]+)$', part)[1]
        text = re.sub(rf"INDEX {re.escape(part)} ON", f"INDEX part_of_{parent} ON", text)
    text = re.sub(r"(?m)^ALTER INDEX .* ATTACH PARTITION .*;$", "", text)
    return sorted(filter(None, map(normal, re.split(r"(?m)^-- Name: .*$", text)[1:])))


def normal(part):
    lines = [line for line in part.split("\n") if line.strip() and line != "--" and not line.startswith(("SET ", "\\"))
             and "PostgreSQL database dump" not in line]
    text = "\n".join(lines)
    text = re.sub(r"(?m)^ *SEQUENCE NAME .*\n", "", text)
    lines = [re.sub(r"^WITH \((.*)\)", sorted_options, line) for line in lines]
    if re.match(r"CREATE (UNLOGGED )?TABLE ", text):
        head, body = lines[0], [line.rstrip(",") for line in lines[1:]]
        text = "\n".join([head, *sorted(body)])
    return text


def sorted_options(match):
    return f"WITH ({', '.join(sorted(match[1].split(', ')))})"


def difference(left, right):
    """Lines for people; "" when equal."""
    missing = [f"- {text}" for text in left if text not in right]
    surplus = [f"+ {text}" for text in right if text not in left]
    return "\n".join(missing + surplus)

"""Each SQL statement of the stores is one that the database takes, used by a test or not, with as many parameters as it says."""

import re
import subprocess

import pytest

from harness.stack import ROOT

STRING = r'"(?:[^"\\]|\\.)*"'
DEFINITION = re.compile(
    rf"struct stmt_def\s+\w+\s*=\s*\{{\s*({STRING})\s*,\s*((?:{STRING}\s*)+),\s*({STRING})\s*,\s*((?:{STRING}\s*)+)\}}"
)


def text(literals):
    """Adjacent C literals as one text; the statements hold no escapes but these."""
    joined = "".join(part[1:-1] for part in re.findall(STRING, literals))
    return joined.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def preprocessed(path):
    command = ["cc", "-E", "-P", "-D_GNU_SOURCE=", "-I", ROOT / "lib", path]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def definitions():
    for path in sorted((ROOT / "lib" / "store").glob("*.c")):
        for name, sql, params, columns in DEFINITION.findall(preprocessed(path)):
            yield text(name), text(sql), text(params), text(columns)


STATEMENTS = list(definitions())


def test_there_are_statements_and_each_has_a_name_of_its_own():
    names = [name for name, *_ in STATEMENTS]
    assert len(names) > 30
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name, sql, params, columns", STATEMENTS, ids=[row[0] for row in STATEMENTS])
def test_the_database_prepares_it(stack, name, sql, params, columns):
    connection = stack.sql()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET @statement = %s", (sql,))
            cursor.execute("PREPARE checked FROM @statement")
            cursor.execute("DEALLOCATE PREPARE checked")
    finally:
        connection.close()
    assert re.sub(r"'[^']*'", "", sql).count("?") == len(params)
    assert set(params + columns) <= set("itdm")
    assert bool(columns) == sql.lstrip().upper().startswith("SELECT")

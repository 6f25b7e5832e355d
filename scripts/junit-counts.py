"""junit-counts.py FILE: prints the passed, failed and skipped tests of a JUnit report."""

import sys
import xml.etree.ElementTree

total = failed = skipped = 0
for suite in xml.etree.ElementTree.parse(sys.argv[1]).iter("testsuite"):
    total += int(suite.get("tests", 0))
    failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped += int(suite.get("skipped", 0))
print(max(total - failed - skipped, 0), failed, skipped)

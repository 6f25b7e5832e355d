"""PDF files small enough to be written by hand: lines of text, files attached, a password."""

import hashlib
import struct

PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")

# Every two-byte code is its own Unicode character.
TO_UNICODE = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
%d beginbfrange
%s endbfrange
endcmap CMapName currentdict /CMap defineresource pop end end"""


def rc4(key, data):
    state, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def stream(data, extra=b""):
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), extra, data)


def page(lines):
    """A line of text below the other; columns are kept by a font whose characters all have one width."""
    rows = b"".join(b"<%s> Tj T*\n" % line.encode("utf-16-be").hex().encode() for line in lines)
    return b"BT /F 8 Tf 10 TL 20 820 Td\n" + rows + b"ET"


def document(lines, attached=(), password=None):
    """The bytes of a PDF with one page. attached: [(name, bytes)]. password: needed to open it (RC4, revision 2)."""
    ranges = b"".join(b"<%02X00> <%02XFF> <%02X00>\n" % (high, high, high) for high in range(100))
    cmap = TO_UNICODE % (100, ranges)
    objects = {
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
        4: stream(page(lines)),
        5: b"<< /Type /Font /Subtype /Type0 /BaseFont /Own /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 8 0 R >>",
        6: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Own /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity)"
        b" /Supplement 0 >> /FontDescriptor 7 0 R /DW 600 >>",
        7: b"<< /Type /FontDescriptor /FontName /Own /Flags 4 /FontBBox [0 -200 600 800] /ItalicAngle 0 /Ascent 800"
        b" /Descent -200 /CapHeight 700 /StemV 80 >>",
        8: stream(cmap),
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    }
    names = b""
    for name, content in attached:
        number = max(objects) + 1
        objects[number] = stream(content, b"/Type /EmbeddedFile")
        objects[number + 1] = b"<< /Type /Filespec /F (%s) /EF << /F %d 0 R >> >>" % (name.encode(), number)
        names += b"(%s) %d 0 R " % (name.encode(), number + 1)
    tree = b"/Names << /EmbeddedFiles << /Names [%s] >> >>" % names if attached else b""
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % tree
    return write(objects, password)


def write(objects, password):
    trailer = b""
    if password is not None:
        objects, trailer = encrypted(objects, password)
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number in sorted(objects):
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    start, count = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % places[number] for number in range(1, count))
    out += b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (count, trailer, start)
    return bytes(out)


def encrypted(objects, password):
    """Standard security handler, revision 2 (ISO 32000-1, 7.6.3). Only streams are ciphered; there are no secret strings."""
    identity, rights = b"0123456789abcdef", struct.pack("<i", -44)
    padded = (password.encode() + PAD)[:32]
    owner = rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + rights + identity).digest()[:5]
    user = rc4(key, PAD)
    done = {}
    for number, body in objects.items():
        if b"stream\n" in body:
            head, _, rest = body.partition(b"stream\n")
            own = hashlib.md5(key + struct.pack("<I", number)[:3] + b"\0\0").digest()[:10]
            body = head + b"stream\n" + rc4(own, rest.removesuffix(b"\nendstream")) + b"\nendstream"
        done[number] = body
    number = max(done) + 1
    done[number] = b"<< /Filter /Standard /V 1 /R 2 /Length 40 /P -44 /O <%s> /U <%s> >>" % (
        owner.hex().encode(),
        user.hex().encode(),
    )
    return done, b"/Encrypt %d 0 R /ID [<%s> <%s>]" % (number, identity.hex().encode(), identity.hex().encode())

"""Small real files: pictures with metadata in them, and a PDF file."""

import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(text=b"", width=1, noise=b""):
    """A picture of one row; `text` goes into a tEXt chunk, which is metadata."""
    head = struct.pack(">IIBBBBB", width, 1, 8, 2, 0, 0, 0)
    row = b"\0" + (noise + b"\x10\x20\x30" * width)[: 3 * width]
    parts = [chunk(b"IHDR", head)]
    if text:
        parts.append(chunk(b"tEXt", b"Comment\0" + text))
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IDAT", zlib.compress(row, 0)), chunk(b"IEND", b"")])


def jpeg(exif=b""):
    """Enough of a JPEG file for what reads its structure; `exif` goes into APP1."""
    parts = [b"\xff\xd8", b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"]
    if exif:
        parts.append(b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif)
    parts.append(b"\xff\xdb\x00\x43\x00" + b"\x10" * 64)
    parts.append(b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00")
    parts.append(b"\xff\xc4\x00\x14\x00\x01" + b"\0" * 15 + b"\x00")
    parts.append(b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00\xff\xd9")
    return b"".join(parts)


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

/* Pictures built byte by byte: what tells more than they show is gone, the rest is as it was. */
#include "check.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/media.h"

static bool read_at(void *from, int64_t at, void *out, size_t n, struct err *err)
{
    (void)err;
    struct buf *b = from;
    assert_true(at >= 0 && (size_t)at + n <= b->n);
    memcpy(out, b->p + at, n);
    return true;
}

static bool write_to(void *to, const void *p, size_t n, struct err *err)
{
    (void)err;
    buf_put(to, p, n);
    return true;
}

static bool strip(enum media_type type, struct buf *in, struct buf *out, struct err *err)
{
    const struct media_source source = {read_at, in, (int64_t)in->n};
    const struct media_sink sink = {write_to, out};
    buf_reset(out);
    return media_strip(type, &source, &sink, err);
}

static void init(struct buf *a, struct buf *b, struct buf *c)
{
    buf_init(a, 1 << 22);
    buf_init(b, 1 << 22);
    buf_init(c, 1 << 22);
}

static void release(struct buf *a, struct buf *b, struct buf *c)
{
    buf_release(a);
    buf_release(b);
    buf_release(c);
}

static void assert_same(const struct buf *out, const struct buf *expected)
{
    assert_int_equal(out->n, expected->n);
    assert_memory_equal(out->p, expected->p, out->n);
}

/* Every shorter beginning is refused: a cut file is none. */
static void assert_cut_is_refused(enum media_type type, struct buf *in, struct buf *out)
{
    size_t whole = in->n;
    for (in->n = 0; in->n < whole; in->n++) {
        struct err err = {0};
        if (strip(type, in, out, &err))
            fail_msg("cut at %zu of %zu it passes", in->n, whole);
        assert_int_equal(err.code, ERR_UNSUPPORTED_MEDIA_TYPE);
    }
}

static void put16(struct buf *b, unsigned v)
{
    buf_char(b, (char)(v >> 8));
    buf_char(b, (char)(v & 0xFF));
}

/* ---- JPEG ---- */

static void segment(struct buf *b, unsigned marker, const void *p, size_t n)
{
    put16(b, 0xFF00 | marker);
    put16(b, (unsigned)n + 2);
    buf_put(b, p, n);
}

#define SEGMENT(b, marker, literal) segment((b), (marker), (literal), sizeof(literal) - 1)

static void exif(struct buf *b, bool little, unsigned orientation, size_t padding)
{
    struct buf e;
    buf_init(&e, 70000);
    buf_put(&e, "Exif\0", 6);
    if (little)
        buf_put(&e, "II*\0\x08\0\0\0\x02\0\x0F\x01\x02\0\x04\0\0\0GPS!\x12\x01\x03\0\x01\0\0\0", 8 + 2 + 12 + 8);
    else
        buf_put(&e, "MM\0*\0\0\0\x08\0\x02\x01\x0F\0\x02\0\0\0\x04GPS!\x01\x12\0\x03\0\0\0\x01", 8 + 2 + 12 + 8);
    char value[4] = {0};
    value[little ? 0 : 1] = (char)orientation;
    buf_put(&e, value, 4);
    buf_put(&e, "\0\0\0\0", 4);
    for (size_t i = 0; i < padding; i++)
        buf_char(&e, 'G');
    segment(b, 0xE1, e.p, e.n);
    buf_release(&e);
}

static void minimal_exif(struct buf *b, unsigned orientation)
{
    char bytes[] = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0?\0\0\0\0\0";
    bytes[25] = (char)orientation;
    segment(b, 0xE1, bytes, 32);
}

static void scans(struct buf *b, bool with_comment)
{
    SEGMENT(b, 0xDB, "tables");
    SEGMENT(b, 0xC2, "frame");
    SEGMENT(b, 0xC4, "codes");
    SEGMENT(b, 0xDA, "scan");
    buf_put(b, "\x01\xFF\0\x02\xFF\xD0\x03\xFF\xD7", 9);
    if (with_comment)
        SEGMENT(b, 0xFE, "made by me");
    SEGMENT(b, 0xDA, "scan");
    for (int i = 0; i < 40000; i++)
        buf_put(b, "\xFF\0\x01", 3);
    buf_put(b, "\xFF\xD9", 2);
}

static void test_a_jpeg_keeps_its_picture_colours_and_orientation(void **state)
{
    (void)state;
    struct buf in, out, expected;
    struct err err = {0};
    for (int little = 0; little < 2; little++) {
        init(&in, &out, &expected);
        buf_put(&in, "\xFF\xD8", 2);
        SEGMENT(&in, 0xE0, "JFIF\0\x01\x02");
        exif(&in, little, 6, 60000);
        SEGMENT(&in, 0xE1, "http://ns.adobe.com/xap/1.0/\0<x/>");
        SEGMENT(&in, 0xE2, "ICC_PROFILE\0\x01\x01profile");
        SEGMENT(&in, 0xE2, "MPF\0more pictures");
        SEGMENT(&in, 0xED, "Photoshop 3.0\0IPTC");
        SEGMENT(&in, 0xEE, "Adobe\0\x64");
        SEGMENT(&in, 0xE0, "JFXX\0thumbnail");
        buf_put(&in, "\xFF\xFF\xFF", 3); /* fill bytes */
        scans(&in, true);
        buf_str(&in, "a film behind the picture");
        buf_put(&expected, "\xFF\xD8", 2);
        SEGMENT(&expected, 0xE0, "JFIF\0\x01\x02");
        minimal_exif(&expected, 6);
        SEGMENT(&expected, 0xE2, "ICC_PROFILE\0\x01\x01profile");
        SEGMENT(&expected, 0xEE, "Adobe\0\x64");
        scans(&expected, false);
        if (!strip(MEDIA_JPEG, &in, &out, &err))
            fail_msg("%s", err.detail);
        assert_same(&out, &expected);
        /* Nothing is left to take. */
        assert_true(strip(MEDIA_JPEG, &expected, &in, &err));
        assert_same(&in, &expected);
        release(&in, &out, &expected);
    }
}

static void test_an_upright_or_unreadable_exif_goes_wholly(void **state)
{
    (void)state;
    static const unsigned VALUES[] = {0, 1, 9, 200};
    struct buf in, out, expected;
    struct err err = {0};
    init(&in, &out, &expected);
    buf_put(&expected, "\xFF\xD8", 2);
    scans(&expected, false);
    for (size_t i = 0; i < ARRAY_LEN(VALUES) + 1; i++) {
        buf_reset(&in);
        buf_put(&in, "\xFF\xD8", 2);
        if (i < ARRAY_LEN(VALUES))
            exif(&in, false, VALUES[i], 0);
        else
            SEGMENT(&in, 0xE1, "Exif\0\0MM\0*\xFF\xFF\xFF\xFFx");
        scans(&in, false);
        assert_true(strip(MEDIA_JPEG, &in, &out, &err));
        assert_same(&out, &expected);
    }
    release(&in, &out, &expected);
}

static void test_broken_jpegs_are_refused(void **state)
{
    (void)state;
    struct buf in, out, small;
    struct err err = {0};
    init(&in, &out, &small);
    buf_put(&in, "\xFF\xD8", 2);
    exif(&in, true, 3, 10);
    SEGMENT(&in, 0xC0, "frame");
    SEGMENT(&in, 0xDA, "scan");
    buf_put(&in, "\x01\x02\xFF\0\xFF\xD9", 6);
    assert_true(strip(MEDIA_JPEG, &in, &out, &err));
    assert_cut_is_refused(MEDIA_JPEG, &in, &out);
    static const struct text BAD[] = {
        TEXT_INIT("\xFF\xD8\xFF\xD9"),                   /* no picture */
        TEXT_INIT("\xFF\xD8\xFF\xDA\0\x02\x01\xFF\xD9"), /* a scan without a frame */
        TEXT_INIT("\xFF\xD8\x01\x02\xFF\xD9"),           /* bytes outside of segments */
        TEXT_INIT("\xFF\xD8\xFF\xC0\0\x01\xFF\xD9"),     /* a length that is none */
        TEXT_INIT("\xFF\xD8\xFF\x02\0\x02\xFF\xD9"),     /* a reserved marker */
        TEXT_INIT("\xFF\xD8\xFF\xD8\0\x02\xFF\xD9"),
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        buf_reset(&small);
        buf_text(&small, BAD[i]);
        assert_false(strip(MEDIA_JPEG, &small, &out, &err));
        assert_int_equal(err.code, ERR_UNSUPPORTED_MEDIA_TYPE);
    }
    release(&in, &out, &small);
}

/* ---- PNG ---- */

static void chunk(struct buf *b, const char *name, const char *bytes)
{
    put16(b, 0);
    put16(b, (unsigned)strlen(bytes));
    buf_str(b, name);
    buf_str(b, bytes);
    buf_str(b, "crc.");
}

static void png(struct buf *b, bool with_metadata)
{
    buf_put(b, "\x89PNG\r\n\x1A\n", 8);
    chunk(b, "IHDR", "13 bytes here");
    chunk(b, "gAMA", "1234");
    if (with_metadata) {
        chunk(b, "eXIf", "MM GPS");
        chunk(b, "tEXt", "Author me");
        chunk(b, "zTXt", "x");
        chunk(b, "iTXt", "XML:com.adobe.xmp");
        chunk(b, "tIME", "now");
        chunk(b, "caBX", "who edited it");
    }
    chunk(b, "iCCP", "colours");
    chunk(b, "IDAT", "pixels");
    chunk(b, "IDAT", "more");
    chunk(b, "IEND", "");
}

static void test_a_png_keeps_pixels_and_colours(void **state)
{
    (void)state;
    struct buf in, out, expected;
    struct err err = {0};
    init(&in, &out, &expected);
    png(&in, true);
    assert_cut_is_refused(MEDIA_PNG, &in, &out);
    buf_str(&in, "an archive behind the picture");
    png(&expected, false);
    assert_true(strip(MEDIA_PNG, &in, &out, &err));
    assert_same(&out, &expected);
    release(&in, &out, &expected);
}

static void test_broken_pngs_are_refused(void **state)
{
    (void)state;
    static const char *const ORDERS[][4] = {
        {"IHDR", "IEND"}, {"IDAT", "IHDR", "IEND"}, {"IHDR", "IDAT", "XXXX", "IEND"}, {"IHDR", "IDAT"}};
    struct buf in, out, unused;
    init(&in, &out, &unused);
    for (size_t i = 0; i < ARRAY_LEN(ORDERS); i++) {
        struct err err = {0};
        buf_reset(&in);
        buf_put(&in, "\x89PNG\r\n\x1A\n", 8);
        for (size_t k = 0; k < 4 && ORDERS[i][k]; k++)
            chunk(&in, ORDERS[i][k], "x");
        assert_false(strip(MEDIA_PNG, &in, &out, &err));
        assert_int_equal(err.code, ERR_UNSUPPORTED_MEDIA_TYPE);
    }
    release(&in, &out, &unused);
}

/* ---- WebP ---- */

static void riff_chunk(struct buf *b, const char *name, const void *p, size_t n)
{
    const char length[4] = {(char)n, (char)(n >> 8), 0, 0};
    buf_str(b, name);
    buf_put(b, length, 4);
    buf_put(b, p, n);
    if (n & 1)
        buf_char(b, '\0');
}

static void webp(struct buf *b, bool with_metadata)
{
    struct buf c;
    buf_init(&c, 4096);
    buf_str(&c, "WEBP");
    riff_chunk(&c, "VP8X", with_metadata ? "\x3C\0\0\0\x01\0\0\x01\0\0" : "\x30\0\0\0\x01\0\0\x01\0\0", 10);
    riff_chunk(&c, "ICCP", "colours", 7);
    riff_chunk(&c, "ALPH", "see through", 11);
    riff_chunk(&c, "VP8 ", "pixels", 6);
    if (with_metadata) {
        riff_chunk(&c, "EXIF", "GPS", 3);
        riff_chunk(&c, "XMP ", "<x/>", 4);
        riff_chunk(&c, "mine", "serial number", 13);
    }
    const char length[4] = {(char)c.n, (char)(c.n >> 8), 0, 0};
    buf_str(b, "RIFF");
    buf_put(b, length, 4);
    buf_put(b, c.p, c.n);
    buf_release(&c);
}

static void test_a_webp_keeps_pixels_and_tells_of_no_metadata(void **state)
{
    (void)state;
    struct buf in, out, expected;
    struct err err = {0};
    init(&in, &out, &expected);
    webp(&in, true);
    assert_cut_is_refused(MEDIA_WEBP, &in, &out);
    buf_str(&in, "behind");
    webp(&expected, false);
    assert_true(strip(MEDIA_WEBP, &in, &out, &err));
    assert_same(&out, &expected);
    release(&in, &out, &expected);
}

/* ---- GIF ---- */

static void gif(struct buf *b, bool with_metadata)
{
    buf_put(b, "GIF89a\x01\0\x01\0\x80\0\0rgbRGB", 19);
    buf_put(b, "\x21\xFF\x0BNETSCAPE2.0\x03\x01\0\0\0", 19);
    if (with_metadata) {
        buf_put(b, "\x21\xFF\x0BXMP DataXMP\x04<x/>\0", 20);
        buf_put(b, "\x21\xFE\x05hello\x02me\0", 12);
        buf_put(b, "\x21\x01\x01x\0", 5);
    }
    buf_put(b, "\x21\xF9\x04\0\0\0\0\0", 8);
    buf_put(b, "\x2C\0\0\0\0\x01\0\x01\0\x80rgbRGB\x02\x02\x44\x01\x01!\0", 23);
    buf_put(b, "\x3B", 1);
}

static void test_a_gif_keeps_frames_and_loop(void **state)
{
    (void)state;
    struct buf in, out, expected;
    struct err err = {0};
    init(&in, &out, &expected);
    gif(&in, true);
    assert_cut_is_refused(MEDIA_GIF, &in, &out);
    buf_str(&in, "behind");
    gif(&expected, false);
    assert_true(strip(MEDIA_GIF, &in, &out, &err));
    assert_same(&out, &expected);
    release(&in, &out, &expected);
}

/* ---- the rest ---- */

static void test_types_are_told_by_the_first_bytes(void **state)
{
    (void)state;
    static const struct {
        struct text head;
        enum media_type type;
    } ROWS[] = {
        {TEXT_INIT("\xFF\xD8\xFF\xE0"), MEDIA_JPEG},
        {TEXT_INIT("\x89PNG\r\n\x1A\n"), MEDIA_PNG},
        {TEXT_INIT("GIF87a"), MEDIA_GIF},
        {TEXT_INIT("GIF89a"), MEDIA_GIF},
        {TEXT_INIT("RIFF\x10\0\0\0WEBPVP8 "), MEDIA_WEBP},
        {TEXT_INIT("RIFF\x10\0\0\0WAVEfmt "), MEDIA_OTHER},
        {TEXT_INIT("%PDF-1.7"), MEDIA_PDF},
        {TEXT_INIT("\xEF\xBB\xBF\r\n%PDF-1.4"), MEDIA_PDF},
        {TEXT_INIT("<html>%PDF-"), MEDIA_OTHER},
        {TEXT_INIT("PK\x03\x04"), MEDIA_OTHER},
        {TEXT_INIT("\x89PNG\r\r\r\n"), MEDIA_OTHER},
        {TEXT_INIT(""), MEDIA_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_int_equal(media_sniff(ROWS[i].head), ROWS[i].type);
    for (int type = 0; type < MEDIA_TYPE_COUNT; type++)
        assert_int_equal(media_of_mime(text_of(media_mime((enum media_type)type))), type);
    assert_int_equal(media_of_mime(TEXT("text/html")), MEDIA_OTHER);
}

static void test_what_is_no_picture_is_copied(void **state)
{
    (void)state;
    struct buf in, out, unused;
    struct err err = {0};
    init(&in, &out, &unused);
    for (int i = 0; i < 100000; i++)
        buf_char(&in, (char)i);
    assert_true(strip(MEDIA_PDF, &in, &out, &err));
    assert_same(&out, &in);
    release(&in, &out, &unused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_jpeg_keeps_its_picture_colours_and_orientation),
        cmocka_unit_test(test_an_upright_or_unreadable_exif_goes_wholly),
        cmocka_unit_test(test_broken_jpegs_are_refused),
        cmocka_unit_test(test_a_png_keeps_pixels_and_colours),
        cmocka_unit_test(test_broken_pngs_are_refused),
        cmocka_unit_test(test_a_webp_keeps_pixels_and_tells_of_no_metadata),
        cmocka_unit_test(test_a_gif_keeps_frames_and_loop),
        cmocka_unit_test(test_types_are_told_by_the_first_bytes),
        cmocka_unit_test(test_what_is_no_picture_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

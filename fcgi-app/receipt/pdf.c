/* PDF files by poppler's programs, each a process of its own with limits: what breaks or fills one breaks nothing here.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "http/upload.h"
#include "receipt/analyzer.h"
#include "service/subprocess.h"

enum {
    TEXT_MAX = 1024 * 1024,
    LIST_MAX = 64 * 1024,
    XML_MAX = 4 * 1024 * 1024,
    PAGE_MAX = 8 * 1024 * 1024,
    TIMEOUT_MS = 6000,
    CPU_SECONDS = 5,
    MEMORY_BYTES = 256 * 1024 * 1024,
    ATTACHMENTS_MAX = 4 /* of XML that are looked at */
};

#define PDF "/dev/stdin"

static bool unreadable(struct err *err, const char *why)
{
    return err_set(err, ERR_RECEIPT_UNREADABLE, "The PDF cannot be read: %s", why);
}

/* A file that is too much for a program is one that cannot be read. */
static bool run(struct call *call, const char *const *argv, struct buf *out, struct err *err)
{
    int exit_code = 0;
    int64_t left = call->deadline_ms - clock_monotonic_ms();
    const struct subprocess p = {.argv = argv,
                                 .stdin_fd = call->upload->fd,
                                 .timeout_ms = left < TIMEOUT_MS ? (int)left : TIMEOUT_MS,
                                 .cpu_seconds = CPU_SECONDS,
                                 .memory_bytes = MEMORY_BYTES};
    if (!subprocess_run(&p, out, &exit_code, err)) {
        if (err->code == ERR_TIMEOUT)
            return unreadable(err, "it takes too long");
        return err->code == ERR_PAYLOAD_TOO_LARGE ? unreadable(err, "it holds too much") : false;
    }
    return exit_code == 0 || unreadable(err, "it is broken or protected by a password");
}

bool pdf_read_text(struct call *call, const struct receipt_context *ctx, struct receipt *out, struct err *err)
{
    static const char *const ARGV[] = {"pdftotext", "-q", "-layout", "-nopgbrk", "-enc", "UTF-8",
                                       "-l",        "10", PDF,       "-",        NULL};
    AUTO(buf) struct buf text;
    buf_init(&text, TEXT_MAX);
    return run(call, ARGV, &text, err) && receipt_read_text(buf_view(&text), ctx, out, err);
}

static bool is_xml(struct text name)
{
    name = text_trim(name);
    return name.n > 4 && text_eq_nocase(text_slice(name, name.n - 4, name.n), TEXT(".xml"));
}

/* `number`: of the attached file, as pdfdetach -list counts. */
static bool read_attached(struct call *call, struct text number, const struct receipt_context *ctx, struct receipt *out,
                          struct err *err)
{
    const char *const argv[] = {"pdfdetach", "-save", arena_text(ctx->mem, number).p, "-o", "/dev/stdout", PDF, NULL};
    AUTO(buf) struct buf xml;
    buf_init(&xml, XML_MAX);
    if (!argv[2])
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    return run(call, argv, &xml, err) && receipt_read_invoice(buf_view(&xml), ctx, out, err);
}

bool pdf_read_invoice(struct call *call, const struct receipt_context *ctx, struct receipt *out, struct err *err)
{
    static const char *const ARGV[] = {"pdfdetach", "-list", PDF, NULL};
    AUTO(buf) struct buf list;
    struct text line, number;
    size_t tries = 0;
    buf_init(&list, LIST_MAX);
    if (!run(call, ARGV, &list, err))
        return false;
    struct text rest = buf_view(&list);
    while (tries < ATTACHMENTS_MAX && text_split(&rest, '\n', &line)) {
        int64_t n;
        /* "1: invoice.xml" */
        if (!text_split(&line, ':', &number) || !text_to_int64(number, &n) || n < 1 || !is_xml(line))
            continue;
        tries++;
        if (read_attached(call, number, ctx, out, err))
            return true;
        if (err->code != ERR_RECEIPT_UNREADABLE)
            return false;
    }
    return unreadable(err, "no e-invoice is attached");
}

int pdf_first_page(struct call *call, size_t *size, struct err *err)
{
    static const char *const ARGV[] = {"pdftoppm", "-q", "-png",      "-singlefile", "-f", "1",
                                       "-l",       "1",  "-scale-to", "1600",        PDF,  NULL};
    AUTO(buf) struct buf page;
    buf_init(&page, PAGE_MAX);
    if (!run(call, ARGV, &page, err))
        return -1;
    int fd = spool_open(&call->app->config, err);
    if (fd < 0)
        return -1;
    *size = page.n;
    if (spool_write(fd, page.p, page.n, err))
        return fd;
    close(fd);
    return -1;
}

#include "service/pdf.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdlib.h>

#include "service/spool.h"

/* Points, 72 to an inch. */
#define PAGE_WIDTH 595.0
#define PAGE_HEIGHT 842.0
#define MARGIN 50.0
#define WIDTH (PAGE_WIDTH - 2 * MARGIN)
#define VALUE_WIDTH 105.0
#define ROW_HEIGHT 17.0
#define BAR_LABEL 140.0
#define BAR_VALUE 110.0
#define BAR_HEIGHT 9.0

struct pdf {
    int fd;
    cairo_surface_t *surface;
    cairo_t *cr;
    PangoLayout *layout;
    double y;       /* where the next thing begins */
    struct err err; /* the first one, of writing */
};

static cairo_status_t write_bytes(void *to, const unsigned char *bytes, unsigned n)
{
    struct pdf *p = to;
    if (p->err.code == ERR_NONE && spool_write(p->fd, bytes, n, &p->err))
        return CAIRO_STATUS_SUCCESS;
    return CAIRO_STATUS_WRITE_ERROR;
}

struct pdf *pdf_open(int fd, const char *title, struct err *err)
{
    struct pdf *p = calloc(1, sizeof(*p));
    if (p) {
        p->fd = fd;
        p->y = MARGIN;
        p->surface = cairo_pdf_surface_create_for_stream(write_bytes, p, PAGE_WIDTH, PAGE_HEIGHT);
        cairo_pdf_surface_set_metadata(p->surface, CAIRO_PDF_METADATA_TITLE, title);
        p->cr = cairo_create(p->surface);
        p->layout = pango_cairo_create_layout(p->cr);
    }
    if (p && cairo_status(p->cr) == CAIRO_STATUS_SUCCESS && p->layout)
        return p;
    pdf_free(p);
    err_set(err, ERR_NO_MEMORY, "Not enough memory for a PDF");
    return NULL;
}

void pdf_free(struct pdf *p)
{
    if (!p)
        return;
    if (p->layout)
        g_object_unref(p->layout);
    cairo_destroy(p->cr);
    cairo_surface_destroy(p->surface);
    free(p);
}

/* ---- one text ---- */

static void set_font(struct pdf *p, int size, bool bold)
{
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, "DejaVu Sans");
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_absolute_size(font, size * (double)PANGO_SCALE);
    pango_layout_set_font_description(p->layout, font);
    pango_font_description_free(font);
}

static void put_text(struct pdf *p, struct text t, double x, double width, PangoAlignment alignment)
{
    pango_layout_set_text(p->layout, t.n ? t.p : "", (int)t.n);
    pango_layout_set_width(p->layout, (int)(width * PANGO_SCALE));
    pango_layout_set_ellipsize(p->layout, PANGO_ELLIPSIZE_END);
    pango_layout_set_single_paragraph_mode(p->layout, TRUE);
    pango_layout_set_alignment(p->layout, alignment);
    cairo_move_to(p->cr, x, p->y);
    pango_cairo_show_layout(p->cr, p->layout);
}

/* The next thing needs so much room. */
static void make_room(struct pdf *p, double height)
{
    if (p->y + height <= PAGE_HEIGHT - MARGIN)
        return;
    cairo_show_page(p->cr);
    p->y = MARGIN;
}

/* ---- parts of a page ---- */

void pdf_heading(struct pdf *p, struct text t, int level)
{
    double height = level == 1 ? 32 : 26;
    make_room(p, height + 2 * ROW_HEIGHT); /* never alone at the end of a page */
    cairo_set_source_rgb(p->cr, 0.06, 0.3, 0.4);
    set_font(p, level == 1 ? 20 : 13, true);
    put_text(p, t, MARGIN, WIDTH, PANGO_ALIGN_LEFT);
    cairo_set_source_rgb(p->cr, 0, 0, 0);
    p->y += height;
}

void pdf_line(struct pdf *p, struct text t)
{
    make_room(p, ROW_HEIGHT);
    set_font(p, 10, false);
    put_text(p, t, MARGIN, WIDTH, PANGO_ALIGN_LEFT);
    p->y += ROW_HEIGHT;
}

void pdf_space(struct pdf *p)
{
    p->y += ROW_HEIGHT / 2;
}

static void rule(struct pdf *p)
{
    cairo_set_source_rgb(p->cr, 0.8, 0.8, 0.8);
    cairo_set_line_width(p->cr, 0.5);
    cairo_move_to(p->cr, MARGIN, p->y + ROW_HEIGHT - 2);
    cairo_line_to(p->cr, MARGIN + WIDTH, p->y + ROW_HEIGHT - 2);
    cairo_stroke(p->cr);
    cairo_set_source_rgb(p->cr, 0, 0, 0);
}

void pdf_row(struct pdf *p, struct text label, const struct text *values, size_t n, bool bold)
{
    make_room(p, ROW_HEIGHT);
    set_font(p, 10, bold);
    put_text(p, label, MARGIN, WIDTH - (double)n * VALUE_WIDTH - 6, PANGO_ALIGN_LEFT);
    for (size_t i = 0; i < n; i++)
        put_text(p, values[i], MARGIN + WIDTH - (double)(n - i) * VALUE_WIDTH, VALUE_WIDTH, PANGO_ALIGN_RIGHT);
    rule(p);
    p->y += ROW_HEIGHT;
}

void pdf_bar(struct pdf *p, struct text label, struct text value, int64_t share, int64_t whole, enum pdf_tone tone)
{
    static const double TONES[][3] = {
        [PDF_GREEN] = {0.13, 0.6, 0.42}, [PDF_RED] = {0.8, 0.27, 0.25}, [PDF_BLUE] = {0.2, 0.42, 0.7}};
    double room = WIDTH - BAR_LABEL - BAR_VALUE;
    double part = whole > 0 && share > 0 ? (double)share / (double)whole : 0;
    make_room(p, ROW_HEIGHT);
    set_font(p, 9, false);
    put_text(p, label, MARGIN, BAR_LABEL - 6, PANGO_ALIGN_LEFT);
    put_text(p, value, MARGIN + WIDTH - BAR_VALUE, BAR_VALUE, PANGO_ALIGN_RIGHT);
    cairo_set_source_rgb(p->cr, TONES[tone][0], TONES[tone][1], TONES[tone][2]);
    cairo_rectangle(p->cr, MARGIN + BAR_LABEL, p->y + 2, room * (part > 1 ? 1 : part), BAR_HEIGHT);
    cairo_fill(p->cr);
    cairo_set_source_rgb(p->cr, 0, 0, 0);
    p->y += ROW_HEIGHT;
}

bool pdf_end(struct pdf *p, struct err *err)
{
    cairo_show_page(p->cr);
    cairo_surface_finish(p->surface);
    cairo_status_t status = cairo_status(p->cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(p->surface);
    if (p->err.code != ERR_NONE)
        *err = p->err;
    else if (status == CAIRO_STATUS_NO_MEMORY)
        err_set(err, ERR_NO_MEMORY, "Not enough memory for a PDF");
    else if (status != CAIRO_STATUS_SUCCESS) {
        err_set(err, ERR_INTERNAL, "A PDF could not be made");
        err_cause(err, "cairo: %s", cairo_status_to_string(status));
    }
    return p->err.code == ERR_NONE && status == CAIRO_STATUS_SUCCESS;
}

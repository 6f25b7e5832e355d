#include "receipt/analyzer.h"

#include "base/attr.h"
#include "base/media.h"
#include "http/upload.h"

/* What is exact goes before what is guessed. */
static const struct analyzer ANALYZERS[] = {
    {"e-invoice in a PDF", MEDIA_BIT(MEDIA_PDF), NULL, pdf_read_invoice},
    {"text of a PDF", MEDIA_BIT(MEDIA_PDF), NULL, pdf_read_text},
    {"picture of a PDF's page", MEDIA_BIT(MEDIA_PDF), vision_configured, vision_read_page},
    {"picture", MEDIA_IMAGES, vision_configured, vision_read_image},
};

bool receipt_analyze(struct call *call, const struct receipt_context *ctx, struct receipt *out, struct err *err)
{
    bool asked = false;
    for (size_t i = 0; i < ARRAY_LEN(ANALYZERS); i++) {
        const struct analyzer *a = &ANALYZERS[i];
        if (!(a->types & MEDIA_BIT(call->upload->type)) || (a->configured && !a->configured(call->app)))
            continue;
        asked = true;
        if (a->read(call, ctx, out, err))
            return true;
        if (err->code != ERR_RECEIPT_UNREADABLE)
            return false;
    }
    return !asked ? err_set(err, ERR_RECEIPT_UNSUPPORTED, "Pictures are read only where a provider is configured")
                  : false;
}

#include "finance/statement/parts.h"

/* The more particular ones first: any text with delimiters passes for a CSV. */
static const struct statement_format *const FORMATS[] = {&STATEMENT_OFX, &STATEMENT_CAMT, &STATEMENT_MT940,
                                                         &STATEMENT_QIF, &STATEMENT_CSV};
const char *const STATEMENT_FORMATS[] = {"ofx", "camt", "mt940", "qif", "csv", NULL};

const struct statement_format *statement_format(int64_t index)
{
    return FORMATS[index];
}

const struct statement_format *statement_detect(struct text file, struct err *err)
{
    /* A zip's magic holds control characters, as pictures' and PDFs' do. */
    if (!part_is_binary(file))
        for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++)
            if (FORMATS[i]->detect(file))
                return FORMATS[i];
    err_field(err, "file", "Không phải là sao kê mà hệ thống đọc được.");
    return NULL;
}

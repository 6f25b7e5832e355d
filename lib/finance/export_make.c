/* Apart from the formats, so that a program links only those that it makes. */
#include "finance/export.h"

bool export_make(const struct export_source *s, struct err *err)
{
    switch (s->format) {
    case EXPORT_XLSX: return export_sheet(s, err);
    case EXPORT_CSV: return export_csv(s, err);
    default: return export_statement(s, err);
    }
}

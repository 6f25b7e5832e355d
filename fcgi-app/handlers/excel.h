/* Files that exist when the answer arrives (contract 3.18): a spreadsheet as the answer itself, and one behind an
 * address that needs no sign-in for a while. */
#ifndef HANDLERS_EXCEL_H
#define HANDLERS_EXCEL_H

#include "http/route.h"

extern const struct query_def EXCEL_QUERY;
extern const struct body_def REPORT_BODY;

handler_fn excel_income, excel_expense, report_income, report_expense;

#endif

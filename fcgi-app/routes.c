#include "http/route.h"

#include "base/attr.h"
#include "handlers/assistant.h"
#include "handlers/category.h"
#include "handlers/chat.h"
#include "handlers/chat_sessions.h"
#include "handlers/document.h"
#include "handlers/excel.h"
#include "handlers/expense.h"
#include "handlers/export.h"
#include "handlers/health.h"
#include "handlers/import.h"
#include "handlers/import_rule.h"
#include "handlers/income.h"
#include "handlers/jar.h"
#include "handlers/password_reset.h"
#include "handlers/preferences.h"
#include "handlers/profile.h"
#include "handlers/receipt.h"
#include "handlers/registration.h"
#include "handlers/session.h"
#include "handlers/transaction.h"
#include "handlers/transaction_code.h"
#include "views/money_body.h"
#include "views/period.h"

/*
 * Sorted by path. A row: method, path, handler, who may call, how it meets the database, which limit; then by name what
 * applies: .idempotent, .body, .query, .body_limit, .cached.
 */
const struct route ROUTES[] = {
    {METHOD_GET, "/activate", registration_open_link, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .query = &ACTIVATE_QUERY},
    {METHOD_POST, "/ai/chat", chat_post, AUTH_USER, NO_DB, RATE_CHAT, .lane = LANE_CHAT, .body = &CHAT_BODY},
    {METHOD_GET, "/ai/chat/sessions", chat_sessions_get, AUTH_USER, NO_DB, RATE_AI, .lane = LANE_HISTORY,
     .query = &CHAT_PAGE_QUERY},
    {METHOD_DELETE, "/ai/chat/sessions/{session}", chat_session_remove, AUTH_USER, NO_DB, RATE_AI,
     .lane = LANE_HISTORY},
    {METHOD_GET, "/ai/chat/sessions/{session}/messages", chat_messages_get, AUTH_USER, NO_DB, RATE_AI,
     .lane = LANE_HISTORY, .query = &CHAT_PAGE_QUERY},
    {METHOD_PUT, "/ai/chat/sessions/{session}/messages", chat_messages_put, AUTH_USER, NO_DB, RATE_AI,
     .lane = LANE_HISTORY, .body = &CHAT_MESSAGES_BODY},
    {METHOD_PUT, "/ai/chat/sessions/{session}/rename", chat_session_put_name, AUTH_USER, NO_DB, RATE_AI,
     .lane = LANE_HISTORY, .body = &CHAT_RENAME_BODY},
    {METHOD_POST, "/ai/confirm-action", assistant_confirm, AUTH_USER, WRITES, RATE_AI, .idempotent = true,
     .body = &CONFIRM_BODY},
    {METHOD_GET, "/ai/page-context", assistant_page_context, AUTH_USER, READS, RATE_AI, .query = &PAGE_CONTEXT_QUERY},
    {METHOD_POST, "/ai/parse-intent", chat_parse_intent, AUTH_USER, NO_DB, RATE_CHAT, .lane = LANE_CHAT,
     .body = &PARSE_INTENT_BODY},
    {METHOD_POST, "/ai/undo/{operation}", assistant_undo, AUTH_USER, NO_DB, RATE_AI},
    {METHOD_POST, "/auth/google", session_google, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &GOOGLE_BODY},
    {METHOD_GET, "/categories", categories_get, AUTH_USER, READS, RATE_API, .cached = true},
    {METHOD_POST, "/categories", category_post, AUTH_USER, WRITES, RATE_API, .idempotent = true,
     .body = &CATEGORY_BODY},
    {METHOD_GET, "/categories/type/{type}", categories_by_type, AUTH_USER, READS, RATE_API, .cached = true},
    {METHOD_DELETE, "/categories/{id}", category_delete, AUTH_USER, WRITES, RATE_API},
    {METHOD_PUT, "/categories/{id}", category_put, AUTH_USER, WRITES, RATE_API, .body = &CATEGORY_BODY},
    {METHOD_GET, "/complete-profile", registration_gone, AUTH_PUBLIC, NO_DB, RATE_NONE},
    {METHOD_PUT, "/complete-profile", registration_complete, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &COMPLETE_BODY},
    {METHOD_GET, "/documents", documents_get, AUTH_USER, READS, RATE_API, .query = &DOCUMENTS_QUERY},
    {METHOD_POST, "/documents", document_post, AUTH_USER, NO_DB, RATE_API, .lane = LANE_FILES,
     .upload = &DOCUMENT_UPLOAD},
    {METHOD_POST, "/documents/report/expense", report_expense, AUTH_USER, NO_DB, RATE_EXPORTS, .lane = LANE_EXPORTS,
     .body = &REPORT_BODY},
    {METHOD_POST, "/documents/report/income", report_income, AUTH_USER, NO_DB, RATE_EXPORTS, .lane = LANE_EXPORTS,
     .body = &REPORT_BODY},
    {METHOD_POST, "/documents/uploads", document_office, AUTH_USER, NO_DB, RATE_API, .body = &OFFICE_UPLOAD_BODY},
    {METHOD_DELETE, "/documents/{id}", document_delete, AUTH_USER, NO_DB, RATE_API, .lane = LANE_FILES},
    {METHOD_GET, "/documents/{id}", document_get, AUTH_USER, READS, RATE_API},
    {METHOD_GET, "/documents/{id}/content", document_content, AUTH_USER, READS, RATE_API},
    {METHOD_GET, "/email/expense-excel", export_mail_expense_get, AUTH_USER, WRITES, RATE_EXPORTS},
    {METHOD_POST, "/email/expense-excel", export_mail_expense, AUTH_USER, WRITES, RATE_EXPORTS, .idempotent = true,
     .body = &EXPORT_MAIL_BODY},
    {METHOD_GET, "/email/income-excel", export_mail_income_get, AUTH_USER, WRITES, RATE_EXPORTS},
    {METHOD_POST, "/email/income-excel", export_mail_income, AUTH_USER, WRITES, RATE_EXPORTS, .idempotent = true,
     .body = &EXPORT_MAIL_BODY},
    {METHOD_GET, "/excel/download/expense", excel_expense, AUTH_USER, NO_DB, RATE_EXPORTS, .lane = LANE_EXPORTS,
     .query = &EXCEL_QUERY},
    {METHOD_GET, "/excel/download/income", excel_income, AUTH_USER, NO_DB, RATE_EXPORTS, .lane = LANE_EXPORTS,
     .query = &EXCEL_QUERY},
    {METHOD_GET, "/expenses", expenses_get, AUTH_USER, READS, RATE_API, .query = &PERIOD_QUERY},
    {METHOD_POST, "/expenses", expense_post, AUTH_USER, WRITES, RATE_API, .idempotent = true, .body = &EXPENSE_BODY},
    {METHOD_POST, "/expenses/import-receipt/analyze", receipt_analyze_post, AUTH_USER, NO_DB, RATE_AI,
     .lane = LANE_RECEIPTS, .upload = &RECEIPT_UPLOAD},
    {METHOD_POST, "/expenses/import-receipt/confirm", receipt_confirm_post, AUTH_USER, WRITES, RATE_API,
     .idempotent = true, .body = &RECEIPT_BODY},
    {METHOD_DELETE, "/expenses/{id}", expense_delete, AUTH_USER, WRITES, RATE_API, .body = &DELETE_BODY},
    {METHOD_PUT, "/expenses/{id}", expense_put, AUTH_USER, WRITES, RATE_API, .body = &EXPENSE_BODY},
    {METHOD_GET, "/exports", exports_get, AUTH_USER, READS, RATE_API, .query = &EXPORTS_QUERY},
    {METHOD_POST, "/exports", export_post, AUTH_USER, WRITES, RATE_EXPORTS, .idempotent = true, .body = &EXPORT_BODY},
    {METHOD_GET, "/exports/{id}", export_get, AUTH_USER, READS, RATE_API},
    {METHOD_POST, "/files/upload", picture_post, AUTH_USER, NO_DB, RATE_API, .lane = LANE_FILES,
     .upload = &PICTURE_UPLOAD},
    {METHOD_GET, "/files/{key}", file_get, AUTH_PUBLIC, READS, RATE_API},
    {METHOD_POST, "/forgot-password", password_reset_request, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &FORGOT_BODY},
    {METHOD_POST, "/gemini/chat", chat_short, AUTH_USER, NO_DB, RATE_GEMINI_CHAT, .lane = LANE_CHAT,
     .body = &SHORT_CHAT_BODY},
    {METHOD_POST, "/gemini/spending-tips", assistant_tips, AUTH_USER, READS, RATE_TIPS, .body = &TIPS_BODY},
    {METHOD_POST, "/gemini/voice-parse", assistant_voice, AUTH_USER, READS, RATE_API, .body = &VOICE_BODY},
    {METHOD_GET, "/health", health, AUTH_PUBLIC, NO_DB, RATE_NONE},
    {METHOD_GET, "/import-rules", import_rules_get, AUTH_USER, READS, RATE_API},
    {METHOD_POST, "/import-rules", import_rule_post, AUTH_USER, WRITES, RATE_API, .idempotent = true,
     .body = &IMPORT_RULE_BODY},
    {METHOD_POST, "/import-rules/apply", import_rules_apply, AUTH_USER, WRITES, RATE_API, .idempotent = true,
     .body = &IMPORT_RULES_APPLY_BODY},
    {METHOD_DELETE, "/import-rules/{id}", import_rule_delete, AUTH_USER, WRITES, RATE_API},
    {METHOD_PUT, "/import-rules/{id}", import_rule_put, AUTH_USER, WRITES, RATE_API, .body = &IMPORT_RULE_BODY},
    {METHOD_GET, "/imports", imports_get, AUTH_USER, READS, RATE_API, .query = &IMPORTS_QUERY},
    {METHOD_POST, "/imports", import_post, AUTH_USER, NO_DB, RATE_API, .lane = LANE_FILES, .upload = &IMPORT_UPLOAD},
    {METHOD_DELETE, "/imports/{id}", import_delete, AUTH_USER, WRITES, RATE_API},
    {METHOD_GET, "/imports/{id}", import_get, AUTH_USER, READS, RATE_API},
    {METHOD_POST, "/imports/{id}/confirm", import_confirm_post, AUTH_USER, WRITES, RATE_API, .idempotent = true,
     .body = &IMPORT_CONFIRM_BODY},
    {METHOD_PUT, "/imports/{id}/mapping", import_mapping_put, AUTH_USER, NO_DB, RATE_API, .lane = LANE_FILES,
     .body = &IMPORT_MAPPING_BODY},
    {METHOD_GET, "/imports/{id}/rows", import_rows_get, AUTH_USER, READS, RATE_API, .query = &IMPORT_ROWS_QUERY},
    {METHOD_PUT, "/imports/{id}/rows/{id}", import_row_put, AUTH_USER, WRITES, RATE_API, .body = &IMPORT_ROW_BODY},
    {METHOD_GET, "/incomes", incomes_get, AUTH_USER, READS, RATE_API, .query = &PERIOD_QUERY},
    {METHOD_POST, "/incomes", income_post, AUTH_USER, WRITES, RATE_API, .idempotent = true, .body = &INCOME_BODY},
    {METHOD_DELETE, "/incomes/{id}", income_delete, AUTH_USER, WRITES, RATE_API, .body = &DELETE_BODY},
    {METHOD_PUT, "/incomes/{id}", income_put, AUTH_USER, WRITES, RATE_API, .body = &INCOME_BODY},
    {METHOD_GET, "/jars", jars_get, AUTH_USER, READS, RATE_API},
    {METHOD_POST, "/jars", jar_post, AUTH_USER, WRITES, RATE_API, .idempotent = true, .body = &JAR_BODY},
    {METHOD_POST, "/jars/bulk", jars_bulk, AUTH_USER, WRITES, RATE_API, .idempotent = true, .body = &JARS_BULK_BODY},
    {METHOD_POST, "/jars/transfer", jar_transfer, AUTH_USER, WRITES, RATE_API, .idempotent = true,
     .body = &JAR_TRANSFER_BODY},
    {METHOD_GET, "/jars/unassigned", jars_unassigned, AUTH_USER, READS, RATE_API},
    {METHOD_DELETE, "/jars/{id}", jar_delete, AUTH_USER, WRITES, RATE_API},
    {METHOD_PUT, "/jars/{id}", jar_put, AUTH_USER, WRITES, RATE_API, .body = &JAR_CHANGE_BODY},
    {METHOD_GET, "/jars/{id}/months", jar_months, AUTH_USER, READS, RATE_API, .query = &JAR_MONTHS_QUERY},
    {METHOD_POST, "/login", session_login, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &LOGIN_BODY},
    {METHOD_POST, "/logout", session_logout, AUTH_OPTIONAL, NO_DB, RATE_NONE},
    {METHOD_POST, "/otp/resend", registration_resend, AUTH_PUBLIC, NO_DB, RATE_CODE_RESEND, .body = &RESEND_BODY},
    {METHOD_GET, "/payments", profile_payments, AUTH_USER, NO_DB, RATE_API},
    {METHOD_GET, "/profile", profile_show, AUTH_USER, READS, RATE_API},
    {METHOD_PUT, "/profile", profile_change, AUTH_USER, NO_DB, RATE_API, .body = &PROFILE_BODY},
    {METHOD_GET, "/profile/preferences", preferences_show, AUTH_USER, READS, RATE_API},
    {METHOD_PUT, "/profile/preferences", preferences_change, AUTH_USER, WRITES, RATE_API, .body = &PREFERENCES_BODY},
    {METHOD_PUT, "/profile/subscription/auto-renew", profile_auto_renew, AUTH_USER, READS, RATE_API,
     .body = &AUTO_RENEW_BODY},
    {METHOD_POST, "/register", registration_register, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &REGISTER_BODY},
    {METHOD_POST, "/register/cancel", registration_cancel, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .query = &CANCEL_QUERY},
    {METHOD_GET, "/reset-password", registration_gone, AUTH_PUBLIC, NO_DB, RATE_NONE},
    {METHOD_POST, "/reset-password", password_reset_apply, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &RESET_BODY},
    {METHOD_GET, "/status", status, AUTH_OPTIONAL, NO_DB, RATE_NONE},
    {METHOD_GET, "/subscription-plans", profile_plans, AUTH_PUBLIC, NO_DB, RATE_NONE},
    {METHOD_GET, "/transactions", transactions_get, AUTH_USER, READS, RATE_API, .query = &TRANSACTIONS_QUERY},
    {METHOD_POST, "/transactions/otp/request", transaction_code_request, AUTH_USER, WRITES, RATE_API,
     .idempotent = true, .body = &CODE_REQUEST_BODY},
    {METHOD_POST, "/transactions/otp/verify", transaction_code_check, AUTH_USER, NO_DB, RATE_API,
     .body = &CODE_VERIFY_BODY},
    {METHOD_DELETE, "/transactions/{id}", transaction_delete, AUTH_USER, WRITES, RATE_API},
    {METHOD_GET, "/transactions/{id}", transaction_get, AUTH_USER, READS, RATE_API},
    {METHOD_PUT, "/transactions/{id}", transaction_put, AUTH_USER, WRITES, RATE_API, .body = &TRANSACTION_BODY},
    {METHOD_PUT, "/transactions/{id}/receipt", transaction_receipt_put, AUTH_USER, WRITES, RATE_API,
     .body = &TRANSACTION_RECEIPT_BODY},
    {METHOD_POST, "/transactions/{id}/restore", transaction_undelete, AUTH_USER, WRITES, RATE_API, .idempotent = true},
    {METHOD_POST, "/verify-activation", registration_verify, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &VERIFY_BODY},
    {METHOD_POST, "/verify-reset-otp", password_reset_verify, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN,
     .body = &RESET_CODE_BODY},
};

const size_t ROUTE_COUNT = ARRAY_LEN(ROUTES);

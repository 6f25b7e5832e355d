#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Rows in the order of the enum; a unit test holds them against it. */
static const struct err_row ROWS[] = {
    {ERR_NONE, 200, "none", "OK", "Thành công."},

    {ERR_MALFORMED_JSON, 400, "malformed_json", "Malformed JSON", "Dữ liệu gửi lên không phải là JSON hợp lệ."},
    {ERR_BAD_REQUEST, 400, "bad_request", "Bad request", "Yêu cầu không hợp lệ."},
    {ERR_UNSUPPORTED_MEDIA_TYPE, 415, "unsupported_media_type", "Unsupported media type",
     "Định dạng dữ liệu không được hỗ trợ."},
    {ERR_PAYLOAD_TOO_LARGE, 413, "payload_too_large", "Payload too large", "Dữ liệu gửi lên quá lớn."},

    {ERR_UNAUTHORIZED, 401, "unauthorized", "Unauthorized", "Phiên đăng nhập đã hết hạn. Vui lòng đăng nhập lại."},
    {ERR_FORBIDDEN_ORIGIN, 403, "forbidden_origin", "Forbidden origin",
     "Yêu cầu đến từ một trang web không được phép."},
    {ERR_FORBIDDEN, 403, "forbidden", "Forbidden", "Bạn không có quyền thực hiện thao tác này."},
    {ERR_NOT_ACTIVATED, 403, "not_activated", "Account not activated",
     "Tài khoản chưa được kích hoạt. Vui lòng nhập mã đã gửi đến email của bạn."},
    {ERR_INVALID_CREDENTIALS, 400, "invalid_credentials", "Invalid credentials", "Email hoặc mật khẩu không đúng."},

    {ERR_NOT_FOUND, 404, "not_found", "Not found", "Không tìm thấy dữ liệu yêu cầu."},
    {ERR_METHOD_NOT_ALLOWED, 405, "method_not_allowed", "Method not allowed",
     "Phương thức này không được hỗ trợ cho địa chỉ đã gọi."},
    {ERR_GONE, 410, "gone", "Gone", "Địa chỉ này không còn được sử dụng."},

    {ERR_VALIDATION, 422, "validation_failed", "Validation failed", "Dữ liệu không hợp lệ. Vui lòng kiểm tra lại."},
    {ERR_WRONG_CODE, 422, "wrong_code", "Wrong code", "Mã xác thực không đúng hoặc đã hết hạn."},
    {ERR_IDEMPOTENCY_MISMATCH, 422, "idempotency_mismatch", "Idempotency key used for another request",
     "Khóa chống lặp đã được dùng cho một yêu cầu khác."},
    {ERR_RECEIPT_UNREADABLE, 422, "receipt_unreadable", "Receipt cannot be read",
     "Không đọc được khoản chi nào trong tệp. Hãy chọn tệp rõ hơn, không đặt mật khẩu, hoặc tự nhập các khoản chi."},
    {ERR_RECEIPT_UNSUPPORTED, 422, "receipt_unsupported", "Receipts of this kind are not read here",
     "Máy chủ này chưa đọc được ảnh hóa đơn. Hãy chọn hóa đơn dạng PDF hoặc tự nhập các khoản chi."},

    {ERR_QUOTA, 422, "quota_exceeded", "Quota exceeded", "Bạn đã dùng hết dung lượng lưu trữ tệp. Hãy xóa bớt tệp cũ."},

    {ERR_CONFLICT, 409, "conflict", "Conflict", "Thao tác xung đột với dữ liệu hiện tại."},
    {ERR_NAME_IN_USE, 409, "name_in_use", "Name in use", "Tên này đã được sử dụng."},
    {ERR_INSUFFICIENT_BALANCE, 409, "insufficient_balance", "Insufficient balance", "Số dư không đủ."},
    {ERR_CATEGORY_IN_USE, 409, "category_in_use", "Category in use",
     "Danh mục đang được sử dụng nên không thể đổi loại."},
    {ERR_IDEMPOTENCY_IN_PROGRESS, 409, "idempotency_in_progress", "Same request in progress",
     "Yêu cầu tương tự đang được xử lý. Vui lòng thử lại sau giây lát."},
    {ERR_VERSION_CONFLICT, 412, "version_conflict", "Version conflict",
     "Dữ liệu đã được thay đổi ở nơi khác. Vui lòng tải lại."},

    {ERR_RATE_LIMITED, 429, "rate_limited", "Too many requests", "Bạn thao tác quá nhanh. Vui lòng thử lại sau."},
    {ERR_UNAVAILABLE, 503, "unavailable", "Service unavailable",
     "Dịch vụ tạm thời không khả dụng. Vui lòng thử lại sau."},
    {ERR_TIMEOUT, 503, "timeout", "Timed out", "Hệ thống xử lý quá lâu. Vui lòng thử lại sau."},
    {ERR_INTERNAL, 500, "internal", "Internal error", "Đã có lỗi xảy ra. Vui lòng thử lại sau."},
    {ERR_NO_MEMORY, 503, "no_memory", "Out of memory", "Hệ thống đang quá tải. Vui lòng thử lại sau."},
    {ERR_OVERFLOW, 422, "overflow", "Amount out of range", "Số tiền vượt quá giới hạn cho phép."},

    {ERR_DUPLICATE, 500, "duplicate", "Internal error", "Đã có lỗi xảy ra. Vui lòng thử lại sau."},
    {ERR_DEADLOCK, 503, "deadlock", "Service unavailable", "Hệ thống đang bận. Vui lòng thử lại sau."},
    {ERR_COMMIT_UNKNOWN, 503, "commit_unknown", "Service unavailable",
     "Dịch vụ tạm thời không khả dụng. Vui lòng thử lại sau."},
    {ERR_PERMANENT, 500, "permanent", "Internal error", "Đã có lỗi xảy ra. Vui lòng thử lại sau."},
};
static_assert(ARRAY_LEN(ROWS) == ERR_CODE_COUNT, "one row for each code");

/* A cut text must stay UTF-8: an unfinished sequence at its end is dropped. */
static void drop_unfinished_sequence(char *s)
{
    size_t n = strlen(s);
    size_t tail = 0;
    while (tail < 3 && tail < n && ((unsigned char)s[n - 1 - tail] & 0xC0) == 0x80)
        tail++;
    if (tail >= n)
        return;
    unsigned char lead = (unsigned char)s[n - 1 - tail];
    size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (need > tail)
        s[n - 1 - tail] = '\0';
}

static void PRINTF_LIKE(3, 0) print_cut(char *out, size_t cap, const char *fmt, va_list args)
{
    int n = vsnprintf(out, cap, fmt, args);
    if (n < 0)
        out[0] = '\0';
    else if ((size_t)n >= cap)
        drop_unfinished_sequence(out);
}

bool err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    if (!err)
        return false;
    /* The arguments may point into *err itself, so the text is made before the rest is cleared. */
    char detail[sizeof(err->detail)];
    va_list args;
    va_start(args, fmt);
    print_cut(detail, sizeof(detail), fmt, args);
    va_end(args);
    err_clear(err);
    err->code = code;
    memcpy(err->detail, detail, strlen(detail) + 1);
    return false;
}

bool err_cause(struct err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char cause[sizeof(err->cause)];
    va_list args;
    va_start(args, fmt);
    print_cut(cause, sizeof(cause), fmt, args);
    va_end(args);
    memcpy(err->cause, cause, strlen(cause) + 1);
    return false;
}

bool err_field(struct err *err, const char *name, const char *fmt, ...)
{
    if (!err)
        return false;
    if (err->code != ERR_VALIDATION)
        err_set(err, ERR_VALIDATION, "Some fields are not valid");
    if (err->field_count == ERR_FIELDS_MAX)
        return false;
    struct err_field *field = &err->fields[err->field_count++];
    if (snprintf(field->name, sizeof(field->name), "%s", name) >= (int)sizeof(field->name))
        drop_unfinished_sequence(field->name);
    va_list args;
    va_start(args, fmt);
    print_cut(field->text, sizeof(field->text), fmt, args);
    va_end(args);
    return false;
}

const struct err_row *err_row(enum err_code code)
{
    return (unsigned)code < ERR_CODE_COUNT ? &ROWS[code] : &ROWS[ERR_INTERNAL];
}

bool err_is_transient(const struct err *err)
{
    switch (err->code) {
    case ERR_UNAVAILABLE:
    case ERR_TIMEOUT:
    case ERR_NO_MEMORY:
    case ERR_DEADLOCK:
    case ERR_COMMIT_UNKNOWN:
    case ERR_RATE_LIMITED:
    case ERR_IDEMPOTENCY_IN_PROGRESS: return true;
    default: return false;
    }
}

/* The field texts are several kilobytes; only what says "there is something" is reset. */
void err_clear(struct err *err)
{
    err->code = ERR_NONE;
    err->detail[0] = '\0';
    err->cause[0] = '\0';
    err->retry_after_seconds = 0;
    err->extra[0] = '\0';
    err->field_count = 0;
}

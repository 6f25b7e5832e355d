#include "views/profile.h"

/* Plans are not sold here: every account is shown as one of the highest plan, so that no client locks a feature. */
static void write_plan(struct json_out *j)
{
    static const char *const UNLIMITED[] = {"categoryLimit", "monthlyTransactionLimit", "historyMonths", "jarLimit"};
    static const char *const ALLOWED[] = {"canExportReports", "canUseAdvancedFilters", "canEmailReports",
                                          "canImportReceipt", "canUseDetailedAi"};
    json_put_str(j, "subscriptionPlan", "PREMIUM");
    json_put_str(j, "subscriptionStatus", "ACTIVE");
    json_put_null(j, "subscriptionActivatedAt");
    json_put_null(j, "subscriptionExpiresAt");
    json_put_bool(j, "autoRenew", false);
    for (size_t i = 0; i < ARRAY_LEN(UNLIMITED); i++)
        json_put_int(j, UNLIMITED[i], -1);
    for (size_t i = 0; i < ARRAY_LEN(ALLOWED); i++)
        json_put_bool(j, ALLOWED[i], true);
}

void profile_write_json(struct json_out *j, const struct user_row *user, bool pending_email)
{
    json_begin_object(j);
    json_put_int(j, "id", user->id);
    json_put_text(j, "fullName", user->full_name);
    json_put_text(j, "email", user->email);
    json_put_text(j, "profileImageUrl", user->profile_image_url);
    json_put_str(j, "role", user->admin ? "admin" : "user");
    json_put_instant(j, "createdAt", user->created_at_ms);
    json_put_instant(j, "updatedAt", user->updated_at_ms);
    write_plan(j);
    if (pending_email)
        json_put_text(j, "pendingEmail", user->pending_email);
    json_end_object(j);
}

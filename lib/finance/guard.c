#include "finance/guard.h"

#include "base/buf.h"
#include "finance/guard_rules.h"
#include "finance/nova/fold.h"

enum { WORDS_MAX = 4096, WILD_MAX = 3 };

static const char *const NAMES[] = {
    [GUARD_FINE] = "fine",         [GUARD_INJECTION] = "injection", [GUARD_SELF_HARM] = "self_harm",
    [GUARD_VIOLENCE] = "violence", [GUARD_SEXUAL] = "sexual",       [GUARD_GAMBLING_DRUGS] = "gambling_drugs",
    [GUARD_POLITICS] = "politics", [GUARD_MEDICAL] = "medical",
};

const char *guard_name(enum guard_verdict v)
{
    return NAMES[v];
}

/* ---- words ---- */

struct message {
    struct text original, folded;
    const size_t *map;
    struct text *words; /* pieces of `folded` */
    size_t count;
};

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool split_words(struct message *m, struct arena *mem)
{
    size_t most = m->folded.n / 2 + 1;
    m->words = arena_array(mem, most < WORDS_MAX ? most : WORDS_MAX, sizeof(struct text));
    if (!m->words)
        return false;
    for (size_t i = 0; i < m->folded.n && m->count < most && m->count < WORDS_MAX;) {
        size_t from = i;
        while (i < m->folded.n && in_word(m->folded.p[i]))
            i++;
        if (i > from)
            m->words[m->count++] = text_slice(m->folded, from, i);
        else
            i++;
    }
    return true;
}

/* One of the choices "a|b|c". */
static bool is_one_of(struct text word, struct text choices)
{
    struct text one;
    while (text_split(&choices, '|', &one))
        if (text_eq(word, one))
            return true;
    return false;
}

/* Whether the words from `at` on begin with the pattern; *end: the word after the last. */
static bool fits_at(const struct message *m, size_t at, struct text pattern, size_t *end)
{
    struct text choice;
    if (!text_split(&pattern, ' ', &choice)) {
        *end = at;
        return true;
    }
    if (text_eq(choice, TEXT("*"))) {
        for (size_t skip = 0; skip <= WILD_MAX && at + skip <= m->count; skip++)
            if (fits_at(m, at + skip, pattern, end))
                return true;
        return false;
    }
    return at < m->count && is_one_of(m->words[at], choice) && fits_at(m, at + 1, pattern, end);
}

/* ---- marks ---- */

static struct text original_of(const struct message *m, size_t first, size_t end)
{
    size_t from = (size_t)(m->words[first].p - m->folded.p);
    size_t to = (size_t)(m->words[end - 1].p - m->folded.p) + m->words[end - 1].n;
    return text_slice(m->original, m->map[from], m->map[to]);
}

static bool is_ascii(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] >= 0x80)
            return false;
    return true;
}

static uint32_t lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE))
        return c + 32;
    if ((c >= 0x100 && c <= 0x17F) || (c >= 0x1EA0 && c <= 0x1EF9) || c == 0x1A0 || c == 0x1AF)
        return c == 0x1AF ? 0x1B0 : c | 1;
    return c;
}

static bool same_but_case(struct text a, struct text b)
{
    size_t i = 0, k = 0;
    while (i < a.n && k < b.n) {
        uint32_t x, y;
        size_t n = text_decode(a, i, &x), o = text_decode(b, k, &y);
        if (!n || !o || lower(x) != lower(y))
            return false;
        i += n;
        k += o;
    }
    return i == a.n && k == b.n;
}

static bool has_combining(struct text t)
{
    for (size_t i = 0; i + 1 < t.n; i++)
        if ((unsigned char)t.p[i] == 0xCC || ((unsigned char)t.p[i] == 0xCD && (unsigned char)t.p[i + 1] <= 0xAF))
            return true;
    return false;
}

/* Words that folding made alike count only as they are meant: with their marks. Combining ones are not told apart: a
 * hotline too many does no harm, another refusal would. */
static bool is_meant(const struct message *m, const struct guard_rule *rule, size_t first, size_t end)
{
    if (!rule->exact)
        return true;
    struct text typed = original_of(m, first, end);
    if (has_combining(typed))
        return rule->verdict == GUARD_SELF_HARM;
    return !is_ascii(typed) && same_but_case(typed, text_of(rule->exact));
}

static bool holds(const struct message *m, const struct guard_rule *rule)
{
    size_t end;
    for (size_t i = 0; i < m->count; i++)
        if (fits_at(m, i, text_of(rule->words), &end) && is_meant(m, rule, i, end))
            return true;
    return false;
}

/* ---- health that is about money ---- */

static bool is_amount(struct text word)
{
    static const char *const UNITS[] = {"k", "tr", "trieu", "nghin", "ngan", "cu", "d", "vnd", "m"};
    size_t digits = 0;
    while (digits < word.n && word.p[digits] >= '0' && word.p[digits] <= '9')
        digits++;
    for (size_t i = 0; digits && i < ARRAY_LEN(UNITS); i++)
        if (text_starts(text_slice(word, digits, word.n), text_of(UNITS[i])))
            return true;
    return false;
}

static bool is_about_money(const struct message *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (is_amount(m->words[i]) || is_one_of(m->words[i], text_of(GUARD_MONEY_WORDS)))
            return true;
    return false;
}

enum guard_verdict guard_check(struct text message, struct arena *mem)
{
    size_t *map = NULL;
    struct message m = {.original = message, .folded = nova_fold_mapped(message, mem, &map)};
    m.map = map;
    if (!m.folded.p || !split_words(&m, mem))
        return GUARD_FINE;
    for (size_t i = 0; i < GUARD_RULE_COUNT; i++) {
        const struct guard_rule *rule = &GUARD_RULES[i];
        if (holds(&m, rule) && (rule->verdict != GUARD_MEDICAL || !is_about_money(&m)))
            return rule->verdict;
    }
    return GUARD_FINE;
}

/* ---- refusals ---- */

static const struct {
    struct text vi, en;
} REFUSALS[] = {
    [GUARD_FINE] = {TEXT_INIT(""), TEXT_INIT("")},
    [GUARD_INJECTION] =
        {TEXT_INIT(
             "Xin lỗi, mình không thể làm theo yêu cầu này. Mình luôn sẵn sàng giúp bạn xem thu chi, các hũ và kế hoạch tài chính của bạn."),
         TEXT_INIT(
             "Sorry, I cannot follow that request. I am glad to help with your spending, your jars and your plans.")},
    [GUARD_SELF_HARM] =
        {TEXT_INIT(
             "Mình rất tiếc khi bạn đang phải trải qua điều này. Bạn không đơn độc. Hãy gọi ngay đường dây nóng Ngày Mai 096 306 1414, tổng đài 111 "
             "(nếu bạn dưới 18 tuổi) hoặc cấp cứu 115, và hãy nói chuyện với một người mà bạn tin tưởng."),
         TEXT_INIT(
             "I am so sorry that you are going through this. You are not alone. Please call the Ngày Mai hotline 096 306 1414, the child helpline 111, or "
             "emergency services 115 in Vietnam now (988 in the US), and talk to someone you trust.")},
    [GUARD_VIOLENCE] =
        {TEXT_INIT(
             "Xin lỗi, mình không thể trao đổi về bạo lực. Nếu có ai đang gặp nguy hiểm, hãy gọi 113. Mình có thể giúp bạn về tài chính cá nhân."),
         TEXT_INIT(
             "Sorry, I cannot talk about violence. If somebody is in danger, call 113. I can help with your personal finances.")},
    [GUARD_SEXUAL] =
        {TEXT_INIT("Xin lỗi, mình không trao đổi về nội dung này. Mình có thể giúp bạn về thu chi và tiết kiệm."),
         TEXT_INIT("Sorry, I do not talk about this kind of content. I can help with spending and saving.")},
    [GUARD_GAMBLING_DRUGS] =
        {TEXT_INIT(
             "Xin lỗi, mình không thể hỗ trợ về cờ bạc hay chất cấm. Mình có thể giúp bạn lập kế hoạch chi tiêu an toàn."),
         TEXT_INIT("Sorry, I cannot help with gambling or drugs. I can help you plan your spending safely.")},
    [GUARD_POLITICS] = {TEXT_INIT("Xin lỗi, mình không bàn về chính trị. Mình có thể giúp bạn về tài chính cá nhân."),
                        TEXT_INIT("Sorry, I do not discuss politics. I can help with your personal finances.")},
    [GUARD_MEDICAL] =
        {TEXT_INIT(
             "Xin lỗi, mình không thể tư vấn y tế; bạn hãy hỏi bác sĩ hoặc dược sĩ. Mình có thể giúp bạn về chi phí và bảo hiểm."),
         TEXT_INIT(
             "Sorry, I cannot give medical advice; please ask a doctor or pharmacist. I can help with costs and insurance.")},
};

struct text guard_refusal(enum guard_verdict v, enum nova_language language)
{
    return language == NOVA_EN ? REFUSALS[v].en : REFUSALS[v].vi;
}

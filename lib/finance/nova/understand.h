/*
 * The language of nova-local: a sentence in Vietnamese or English (with or without diacritics) becomes an intent. Pure:
 * no clock, no I/O; the same sentence always means the same. What it does not understand is INTENT_UNKNOWN, never a
 * guess that moves money.
 */
#ifndef FINANCE_NOVA_UNDERSTAND_H
#define FINANCE_NOVA_UNDERSTAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/money.h"
#include "base/text.h"

enum nova_language { NOVA_VI, NOVA_EN };

enum nova_intent_kind {
    INTENT_UNKNOWN,
    /* talk */
    INTENT_GREETING,
    INTENT_THANKS,
    INTENT_HELP,
    /* questions, answered by tools */
    INTENT_BALANCE, /* all jars and unassigned */
    INTENT_SPENT,   /* by category, jar, period; all when none is named */
    INTENT_EARNED,
    INTENT_BIGGEST,  /* biggest expenses of a period */
    INTENT_LATEST,   /* latest transactions */
    INTENT_COMPARE,  /* two months */
    INTENT_AFFORD,   /* amount, jar? */
    INTENT_JAR_LEFT, /* what is left in a jar, and a day until the month's end */
    /* commands, proposed and confirmed; names are the contract's (3.21) */
    INTENT_CREATE_EXPENSE,
    INTENT_CREATE_INCOME,
    INTENT_CREATE_CATEGORY,
    INTENT_CREATE_JAR,
    INTENT_UPDATE_EXPENSE,
    INTENT_UPDATE_INCOME,
    INTENT_UPDATE_CATEGORY,
    INTENT_UPDATE_JAR,
    INTENT_DELETE_EXPENSE,
    INTENT_DELETE_INCOME,
    INTENT_DELETE_CATEGORY,
    INTENT_DELETE_JAR,
    INTENT_TRANSFER_JAR,
    INTENT_COUNT
};

/* The contract's name of an intent ("CREATE_EXPENSE"); questions and help are "ANSWER_QUESTION", what is not understood
 * "INVALID_REQUEST". */
const char *nova_intent_name(enum nova_intent_kind kind);
/* The command of that name, or INTENT_UNKNOWN. */
enum nova_intent_kind nova_intent_of_name(struct text name);
bool nova_intent_is_command(enum nova_intent_kind kind);

struct nova_name {
    int64_t id;
    struct text name;
    int64_t type; /* of a category: enum category_type */
};

struct nova_context {
    int32_t today; /* ymd */
    const struct currency *currency;
    const struct nova_name *categories;
    size_t category_count;
    const struct nova_name *jars;
    size_t jar_count;
};

struct nova_intent {
    enum nova_intent_kind kind;
    enum nova_language language;
    int confidence; /* percent */
    bool has_amount;
    int64_t amount;               /* minor units */
    int32_t date;                 /* ymd of a command; 0: not said (today) */
    int32_t from, to;             /* period of a question, inclusive; 0: not said (this month) */
    int32_t other_from, other_to; /* the second period of a comparison */
    int64_t category_id;          /* 0: none recognised */
    struct text category_hint;    /* what was said where no category fits: "Ăn uống" */
    int64_t jar_id, to_jar_id;    /* jar_id: pays, is asked for, or gives */
    bool from_unassigned, to_unassigned;
    struct text name;      /* of the thing: "ăn trưa", without amount, date and filler words */
    struct text new_name;  /* of an update */
    int32_t target_bp;     /* of a jar; -1: not said */
    int64_t category_type; /* of a new category; -1: not said */
    int64_t limit;         /* how many rows; 0: not said */
};

/* The sentence is valid UTF-8 of at most NOVA_SENTENCE_MAX bytes. Texts of *out live in the arena. False only without
 * memory. */
enum { NOVA_SENTENCE_MAX = 8192 };
bool nova_understand(struct text sentence, const struct nova_context *ctx, struct arena *mem, struct nova_intent *out,
                     struct err *err) MUST_CHECK;

#endif

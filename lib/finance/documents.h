/*
 * Files of a household: the row first as `pending`, then the object in S3, then `stored`; so whatever fails in between,
 * nothing half stored is ever shown and the worker finds what is left over. The verbs here are the transactions; the
 * object itself is the caller's work between them.
 */
#ifndef FINANCE_DOCUMENTS_H
#define FINANCE_DOCUMENTS_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/document.h"

enum {
    DOCUMENT_BYTES_MAX = 10 * 1024 * 1024, /* of one file (contract 1.6) */
    DOCUMENT_PENDING_MS = 60 * 60 * 1000,  /* then nobody works on it any more */
};

struct document_new {
    enum document_kind kind;
    struct text name, content_type;
    struct text sha256; /* TEXT_NONE: the client sends the bytes to S3 itself, and they are looked at afterwards */
    int64_t size;
    int64_t transaction_id; /* 0: none */
    bool is_public;         /* shown without sign-in to who has its key */
};

/* Makes the pending row. quota: bytes of all files of the household. ERR_QUOTA, ERR_NOT_FOUND for a transaction that is
 * not the household's. */
bool documents_begin(struct scope *s, const struct document_new *in, int64_t quota, struct document *out,
                     struct err *err) MUST_CHECK;
/* Its object is there. base_url: of the addresses that a transaction shows. */
bool documents_keep(struct scope *s, struct document *d, struct text base_url, struct err *err) MUST_CHECK;
/* To be deleted: not shown from now on, its transaction shows it no longer. */
bool documents_drop(struct scope *s, int64_t id, struct document *was, struct err *err) MUST_CHECK;
/* The receipt of a transaction: 0 for none. ERR_NOT_FOUND for either. */
bool documents_attach(struct scope *s, int64_t transaction, int64_t document, struct text base_url,
                      struct err *err) MUST_CHECK;

#endif

/* What the assistant's routes share: the provider (if one is configured) and the store of conversations. */
#ifndef NOVA_ASSISTANT_H
#define NOVA_ASSISTANT_H

#include "http/call.h"
#include "store/chat.h"

struct llm;
struct aws_credentials;

struct assistant {
    struct llm *llm;      /* NULL: the embedded assistant answers alone */
    struct llm *vision;   /* reads pictures of receipts; NULL: nobody does */
    struct text own_host; /* links to it stay in answers */
    struct aws_credentials *credentials;
    struct chat_store chat;
};

/* Nothing here connects. NULL on a fault of the settings. */
struct assistant *assistant_open(struct app *app, struct err *err) MUST_CHECK;
void assistant_close(struct assistant *a);
/* Ends calls to the provider, running and later ones. NULL is fine. */
void assistant_cancel(struct assistant *a);

#endif

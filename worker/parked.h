/* moneymanager-worker --parked list | show ID | retry ID | drop ID: what to do with messages that can never be
 * processed as they are. */
#ifndef PARKED_H
#define PARKED_H

#include "base/attr.h"
#include "base/err.h"
#include "worker.h"

/* args: the words behind the option, ended by NULL. False for words that are none of the above: how to use it has been
 * told on stderr. */
bool parked_words_are_good(char **args);
/* Prints to stdout what it found or did. */
bool parked_run(struct worker *w, char **args, struct err *err) MUST_CHECK;

#endif

/* A session of many mails over one connection: libesmtp with the time-outs, TLS checks and reply rules it lacks. */
#ifndef SERVICE_SMTP_H
#define SERVICE_SMTP_H

#endif

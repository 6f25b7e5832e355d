#include "lib/service/fake_smtp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"

enum { MAILS_MAX = 16, TALK_MAX = 4096, LINE_MAX_BYTES = 4096, MAIL_BYTES = 64 * 1024 };

enum verb { GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, DOT, QUIT, OTHER, VERBS };

static const struct {
    const char *name, *reply;
} VERB[VERBS] = {
    [GREETING] = {"GREETING", "220 localhost ready"},
    [EHLO] = {"EHLO", NULL},
    [STARTTLS] = {"STARTTLS", "220 go on"},
    [AUTH] = {"AUTH", "235 welcome"},
    [MAIL] = {"MAIL", "250 OK"},
    [RCPT] = {"RCPT", "250 OK"},
    [DATA] = {"DATA", "354 go on"},
    [DOT] = {"DOT", "250 Ok 0102018f-taken"},
    [QUIT] = {"QUIT", "221 bye"},
    [OTHER] = {"OTHER", "250 OK"},
};

struct fake_smtp {
    const struct fake_rule *rules;
    SSL_CTX *tls;
    char folder[32], ca[48], host[64];
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    bool stopping, talking;
    int fd; /* of the connection, or -1 */
    size_t count[VERBS];
    char talk[TALK_MAX];
    char *mails[MAILS_MAX];
    size_t mail_n[MAILS_MAX], mail_count;
};

struct conn {
    struct fake_smtp *f;
    int fd;
    SSL *ssl;
    char buf[LINE_MAX_BYTES];
    size_t at, n;
    bool over;
};

static void die(const char *what)
{
    fprintf(stderr, "fake mail server: %s\n", what);
    exit(1);
}

/* libesmtp keeps names of headers without a closing NUL and compares them as if there were one: a read of a byte too
 * many, which is not ours to mend. */
const char *__asan_default_suppressions(void);

const char *__asan_default_suppressions(void)
{
    return "interceptor_via_lib:libesmtp\n";
}

/* ---- bytes ---- */

static bool more(struct conn *c)
{
    ssize_t n = c->ssl ? SSL_read(c->ssl, c->buf, sizeof c->buf) : recv(c->fd, c->buf, sizeof c->buf, 0);
    c->at = 0;
    c->n = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* A line without its end; false when the client has gone. */
static bool read_line(struct conn *c, char *line)
{
    size_t n = 0;
    while (n + 1 < LINE_MAX_BYTES) {
        if (c->at == c->n && !more(c))
            return false;
        line[n++] = c->buf[c->at++];
        if (line[n - 1] == '\n')
            break;
    }
    line[n] = '\0';
    if (n > 1 && line[n - 2] == '\r')
        line[n - 2] = '\0';
    return true;
}

static void say(struct conn *c, const char *reply)
{
    char line[512];
    int n = snprintf(line, sizeof line, "%s\r\n", reply);
    if (c->ssl)
        (void)SSL_write(c->ssl, line, n);
    else
        (void)!send(c->fd, line, (size_t)n, MSG_NOSIGNAL);
}

/* ---- rules ---- */

static void note(struct fake_smtp *f, const char *word)
{
    size_t n = strlen(f->talk);
    snprintf(f->talk + n, sizeof f->talk - n, "%s%s", n ? " " : "", word);
}

static const struct fake_rule *rule_for(struct fake_smtp *f, enum verb verb)
{
    pthread_mutex_lock(&f->lock);
    size_t nth = ++f->count[verb];
    if (verb != GREETING)
        note(f, VERB[verb].name);
    pthread_mutex_unlock(&f->lock);
    for (const struct fake_rule *r = f->rules; r && r->verb; r++)
        if (strcmp(r->verb, VERB[verb].name) == 0 && (!r->nth || r->nth == nth))
            return r;
    return NULL;
}

static void offer(struct conn *c)
{
    say(c, c->ssl ? "250-localhost\r\n250-AUTH PLAIN\r\n250 SIZE 30000000" : "250-localhost\r\n250 STARTTLS");
}

/* True when the answer was a good one. */
static bool answer(struct conn *c, enum verb verb)
{
    const struct fake_rule *r = rule_for(c->f, verb);
    const char *reply = r && r->reply ? r->reply : VERB[verb].reply;
    if (r && r->does == FAKE_HANG)
        while (more(c))
            ;
    if (r && r->does != FAKE_ANSWER) {
        c->over = true;
        return false;
    }
    if (!reply)
        offer(c);
    else
        say(c, reply);
    return !reply || reply[0] < '4';
}

/* ---- a session ---- */

static void start_tls(struct conn *c)
{
    SSL *ssl = SSL_new(c->f->tls);
    SSL_set_fd(ssl, c->fd);
    c->ssl = ssl;
    c->over = SSL_accept(ssl) != 1;
    if (c->over)
        return;
    pthread_mutex_lock(&c->f->lock);
    note(c->f, "tls");
    pthread_mutex_unlock(&c->f->lock);
}

static void keep(struct fake_smtp *f, const char *mail, size_t n)
{
    pthread_mutex_lock(&f->lock);
    if (f->mail_count == MAILS_MAX)
        die("too many mails");
    char *copy = malloc(n + 1);
    if (!copy)
        die("no memory");
    memcpy(copy, mail, n);
    f->mail_n[f->mail_count] = n;
    f->mails[f->mail_count++] = copy;
    pthread_mutex_unlock(&f->lock);
}

static void take_mail(struct conn *c)
{
    static char mail[MAIL_BYTES];
    char line[LINE_MAX_BYTES];
    size_t n = 0;
    while (read_line(c, line)) {
        if (strcmp(line, ".") == 0) {
            if (answer(c, DOT))
                keep(c->f, mail, n);
            return;
        }
        n += (size_t)snprintf(mail + n, sizeof mail - n, "%s\r\n", line[0] == '.' ? line + 1 : line);
        if (n >= sizeof mail)
            die("a mail is too long");
    }
    c->over = true;
}

static enum verb verb_of(const char *line)
{
    for (size_t v = EHLO; v < OTHER; v++)
        if (strncasecmp(line, VERB[v].name, strlen(VERB[v].name)) == 0)
            return (enum verb)v;
    return OTHER;
}

static void obey(struct conn *c, const char *line)
{
    enum verb verb = verb_of(line);
    bool good = answer(c, verb);
    if (good && verb == STARTTLS)
        start_tls(c);
    if (good && verb == DATA)
        take_mail(c);
    c->over = c->over || verb == QUIT;
}

static void serve(struct fake_smtp *f, int fd)
{
    struct conn *c = calloc(1, sizeof *c);
    char line[LINE_MAX_BYTES];
    if (!c)
        die("no memory");
    c->f = f;
    c->fd = fd;
    answer(c, GREETING);
    while (!c->over && read_line(c, line))
        obey(c, line);
    SSL_free(c->ssl);
    free(c);
}

static bool begin(struct fake_smtp *f, int fd)
{
    pthread_mutex_lock(&f->lock);
    bool go_on = !f->stopping;
    f->fd = go_on ? fd : -1;
    f->talking = go_on;
    pthread_mutex_unlock(&f->lock);
    return go_on;
}

static void end(struct fake_smtp *f, int fd)
{
    pthread_mutex_lock(&f->lock);
    f->fd = -1;
    f->talking = false;
    close(fd);
    pthread_mutex_unlock(&f->lock);
}

static void *run(void *arg)
{
    struct fake_smtp *f = arg;
    int fd;
    while ((fd = accept(f->listener, NULL, NULL)) >= 0 && begin(f, fd)) {
        serve(f, fd);
        end(f, fd);
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* ---- certificates ---- */

static void sign(X509 *cert, EVP_PKEY *key, const char *host)
{
    char names[96];
    snprintf(names, sizeof names, "DNS:%s", host);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, key);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    if (!X509_sign(cert, key, EVP_sha256()))
        die("X509_sign");
}

static void make_tls(struct fake_smtp *f)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    f->tls = SSL_CTX_new(TLS_server_method());
    if (!key || !cert || !f->tls)
        die("no memory");
    sign(cert, key, f->host);
    if (SSL_CTX_use_certificate(f->tls, cert) != 1 || SSL_CTX_use_PrivateKey(f->tls, key) != 1)
        die("certificate");
    FILE *file = fopen(f->ca, "w");
    if (!file || PEM_write_X509(file, cert) != 1 || fclose(file) != 0)
        die("CA file");
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* ---- life ---- */

static void listen_somewhere(struct fake_smtp *f)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f->listener < 0 || bind(f->listener, (struct sockaddr *)(void *)&a, n) != 0 || listen(f->listener, 8) != 0 ||
        getsockname(f->listener, (struct sockaddr *)(void *)&a, &n) != 0)
        die("listen");
    f->port = ntohs(a.sin_port);
}

struct fake_smtp *fake_smtp_start(const char *host, const struct fake_rule *rules)
{
    struct fake_smtp *f = calloc(1, sizeof *f);
    if (!f)
        die("no memory");
    f->rules = rules;
    f->fd = -1;
    snprintf(f->host, sizeof f->host, "%s", host);
    snprintf(f->folder, sizeof f->folder, "/tmp/mm-unit-XXXXXX");
    if (!mkdtemp(f->folder))
        die("mkdtemp");
    snprintf(f->ca, sizeof f->ca, "%s/ca.pem", f->folder);
    pthread_mutex_init(&f->lock, NULL);
    make_tls(f);
    listen_somewhere(f);
    if (pthread_create(&f->thread, NULL, run, f) != 0)
        die("pthread_create");
    return f;
}

void fake_smtp_stop(struct fake_smtp *f)
{
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    if (f->fd >= 0)
        shutdown(f->fd, SHUT_RDWR);
    shutdown(f->listener, SHUT_RDWR);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    close(f->listener);
    SSL_CTX_free(f->tls);
    unlink(f->ca);
    rmdir(f->folder);
    for (size_t i = 0; i < f->mail_count; i++)
        free(f->mails[i]);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

int fake_smtp_port(const struct fake_smtp *f)
{
    return f->port;
}

const char *fake_smtp_ca(const struct fake_smtp *f)
{
    return f->ca;
}

static void settle(struct fake_smtp *f)
{
    const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
    bool talking = true;
    for (int i = 0; i < 5000 && talking; i++) {
        pthread_mutex_lock(&f->lock);
        talking = f->talking;
        pthread_mutex_unlock(&f->lock);
        if (talking)
            nanosleep(&pause, NULL);
    }
    if (talking)
        die("a client stays");
}

const char *fake_smtp_talk(struct fake_smtp *f)
{
    settle(f);
    return f->talk;
}

size_t fake_smtp_mails(struct fake_smtp *f)
{
    settle(f);
    return f->mail_count;
}

struct text fake_smtp_mail(struct fake_smtp *f, size_t i)
{
    settle(f);
    if (i >= f->mail_count)
        die("no such mail");
    return (struct text){f->mails[i], f->mail_n[i]};
}

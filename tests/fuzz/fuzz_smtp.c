/*
 * A whole session with a mail server that says whatever libFuzzer makes up, before or inside STARTTLS. Each mail's fate
 * is told exactly once, and a session ends. Input: a byte that says whether TLS is spoken, then the server's answers,
 * each ended by a byte 0xFF and given when the client has said something or waits.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/smtp.h"

enum { PATIENCE_US = 5000, ANSWERS_MAX = 64, TIMEOUT_MS = 60, SESSION_MAX_MS = 9000, MAILS = 3 };

static int listener;
static SSL_CTX *server_tls;
static struct smtp *client;
static bool with_tls;

/* The script of the sessions to come; a connection takes a copy, since it may outlive the session. */
static struct {
    pthread_mutex_t lock;
    struct text answers;
} script = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the server: one connection after the other, in a thread of its own ---- */

static bool swallow(int fd, SSL *ssl)
{
    char what[4096];
    ssize_t n = ssl ? SSL_read(ssl, what, sizeof what) : recv(fd, what, sizeof what, 0);
    return n > 0;
}

static bool say(int fd, SSL *ssl, struct text t)
{
    if (!t.n)
        return true;
    return (ssl ? SSL_write(ssl, t.p, (int)t.n) : send(fd, t.p, t.n, MSG_NOSIGNAL)) > 0;
}

static void say_all(int fd, SSL *ssl, struct text rest)
{
    struct text part;
    for (int i = 0; i < ANSWERS_MAX && (part = fuzz_part(&rest)).p; i++) {
        if (!say(fd, ssl, part))
            return;
        swallow(fd, ssl);
    }
}

static void talk(int fd, bool tls, struct text answers)
{
    if (!tls) {
        say_all(fd, NULL, answers);
        return;
    }
    if (!say(fd, NULL, TEXT("220 x ESMTP\r\n")) || !swallow(fd, NULL) ||
        !say(fd, NULL, TEXT("250-x\r\n250 STARTTLS\r\n")) || !swallow(fd, NULL) || !say(fd, NULL, TEXT("220 go\r\n")))
        return;
    SSL *ssl = SSL_new(server_tls);
    struct timeval patience = {.tv_sec = 1};
    CHECK(ssl && SSL_set_fd(ssl, fd) == 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (SSL_accept(ssl) == 1) {
        patience = (struct timeval){.tv_usec = PATIENCE_US};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        swallow(fd, ssl);
        say_all(fd, ssl, answers);
    }
    SSL_free(ssl);
}

static void *server_main(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        CHECK(fd >= 0);
        pthread_mutex_lock(&script.lock);
        struct text answers = fuzz_copy(script.answers.p, script.answers.n);
        bool tls = with_tls;
        pthread_mutex_unlock(&script.lock);
        struct timeval patience = {.tv_usec = tls ? 500 * 1000 : PATIENCE_US};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        talk(fd, tls, answers);
        close(fd);
        fuzz_free(answers);
    }
    return NULL;
}

/* ---- set-up ---- */

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509V3_CTX ctx;
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400 * 30);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, names, -1);
    X509_EXTENSION_free(names);
    CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void begin_server(char ca_file[])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    CHECK(key);
    X509 *cert = make_certificate(key);
    server_tls = SSL_CTX_new(TLS_server_method());
    CHECK(SSL_CTX_use_certificate(server_tls, cert) == 1 && SSL_CTX_use_PrivateKey(server_tls, key) == 1);
    int fd = mkstemp(ca_file);
    FILE *file = fdopen(fd, "w");
    CHECK(file && PEM_write_X509(file, cert) == 1);
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int begin_listening(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, n) == 0 && listen(listener, 16) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &n) == 0);
    return ntohs(address.sin_port);
}

static void begin(void)
{
    char ca_file[] = "/tmp/fuzz-smtp-XXXXXX";
    struct err err = {0};
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    smtp_global_init();
    begin_server(ca_file);
    const struct smtp_options opts = {.host = "127.0.0.1",
                                      .port = begin_listening(),
                                      .user = "user",
                                      .password = "secret",
                                      .ca_file = ca_file,
                                      .connect_timeout_ms = TIMEOUT_MS,
                                      .reply_timeout_ms = TIMEOUT_MS,
                                      .delivery_timeout_ms = TIMEOUT_MS};
    client = smtp_open(&opts, &err);
    CHECK(client);
    unlink(ca_file);
    CHECK(pthread_create(&thread, NULL, server_main, NULL) == 0);
}

/* ---- the mails ---- */

struct fates {
    int given, told, sent;
    bool in_hand;
};

static bool next(void *to, struct smtp_mail *mail)
{
    struct fates *f = to;
    CHECK(!f->in_hand);
    if (f->given == MAILS)
        return false;
    *mail =
        (struct smtp_mail){"a@moneymanager.example", "b@moneymanager.example", TEXT("Subject: x\r\n\r\n.\r\nx\r\n")};
    f->given++;
    return f->in_hand = true;
}

static bool may_finish(void *to)
{
    const struct fates *f = to;
    CHECK(f->in_hand);
    return true;
}

static void told(struct fates *f)
{
    CHECK(f->in_hand);
    f->in_hand = false;
    f->told++;
}

static void sent(void *to, const char *reply)
{
    CHECK(with_tls && reply);
    smtp_provider_id(reply);
    told(to);
}

static void refused(void *to, int code, const char *reply)
{
    CHECK(code / 100 == 5 && reply);
    told(to);
}

static void deferred(void *to, int code, bool any_mail, const char *reason)
{
    (void)code, (void)any_mail;
    CHECK(reason);
    told(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct smtp_callbacks CALLBACKS = {NULL, next, may_finish, sent, refused, deferred};
    if (!client)
        begin();
    struct text all = fuzz_copy(data, size), rest = all;
    struct fates fates = {0};
    struct smtp_callbacks callbacks = CALLBACKS;
    struct err err = {0};
    pthread_mutex_lock(&script.lock);
    with_tls = fuzz_choice(&rest, 4) != 0;
    script.answers = rest;
    pthread_mutex_unlock(&script.lock);
    callbacks.to = &fates;
    int64_t since = clock_monotonic_ms();
    bool ok = smtp_run(client, &callbacks, &err);
    CHECK(clock_monotonic_ms() - since < SESSION_MAX_MS);
    CHECK(ok == (err.code == ERR_NONE));
    CHECK(!fates.in_hand && fates.told == fates.given);
    CHECK(!ok || fates.given == MAILS);
    pthread_mutex_lock(&script.lock);
    script.answers = TEXT_NONE;
    pthread_mutex_unlock(&script.lock);
    fuzz_free(all);
    return 0;
}

/* Builds one mail as text: multipart/alternative, every line ended by CRLF. */
#ifndef SERVICE_MIME_H
#define SERVICE_MIME_H

#endif

#!/bin/sh
# local-settings.sh: prints settings for the profile `local` of docker-compose.yml, with fresh secrets.
#   docker/local-settings.sh >.env && docker-compose --profile local up
set -eu
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
cat <<ENV
DB_HOST=mysql
DB_NAME=moneymanager
DB_USER=moneymanager
DB_PASSWORD=$(secret)
REDIS_URL=redis://redis:6379/0
AWS_REGION=ap-southeast-1
AWS_ENDPOINT_URL=http://aws:4566
LOG_GROUP=/aws/ec2/moneymanager-app
AWS_EC2_METADATA_SERVICE_ENDPOINT=http://metadata:8169
SQS_QUEUE_URL=http://aws:4566/000000000000/moneymanager-async-jobs
SMTP_HOST=smtp
SMTP_PORT=2525
SMTP_USER=moneymanager
SMTP_PASSWORD=$(secret)
SMTP_CA_FILE=/etc/moneymanager/certs/ca.pem
MAIL_FROM=no-reply@moneymanager.example
JWT_KEYS=local:$(secret)
WEB_ORIGINS=http://localhost:5173,http://localhost:3000,http://localhost:8081
WEB_BASE_URL=http://localhost:5173
ENV

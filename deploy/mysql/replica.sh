# Run once by the MySQL image, in an empty replica: whom it follows, from its first start on. It waits for the primary as
# long as that takes, each second anew, and takes no write from anybody else.
docker_process_sql <<SQL
CHANGE REPLICATION SOURCE TO
    SOURCE_HOST = 'mysql-primary',
    SOURCE_USER = 'replica',
    SOURCE_PASSWORD = '$(cat /run/secrets/mysql_replication_password)',
    SOURCE_AUTO_POSITION = 1,
    GET_SOURCE_PUBLIC_KEY = 1,
    SOURCE_CONNECT_RETRY = 1,
    SOURCE_RETRY_COUNT = 1000000;
SET PERSIST super_read_only = ON;
SQL

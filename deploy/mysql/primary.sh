# Run once by the MySQL image, in an empty primary: the account that the replica reads with, and the right of the shop to
# see which of its own transactions lie idle, and whether replicas follow (docs/databases.md).
docker_process_sql <<SQL
CREATE USER 'replica'@'%' IDENTIFIED BY '$(cat /run/secrets/mysql_replication_password)';
GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%';
GRANT PROCESS, REPLICATION CLIENT ON *.* TO '$MYSQL_USER'@'%';
SQL

# Run once by the MySQL image, in an empty primary: the account that the replica reads with.
docker_process_sql <<SQL
CREATE USER 'replica'@'%' IDENTIFIED BY '$(cat /run/secrets/mysql_replication_password)';
GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%';
SQL

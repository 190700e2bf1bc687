-- The shop's database and its user on a server of its own: mysql < shop.sql, after the password is filled in.
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;
CREATE USER 'shop'@'%' IDENTIFIED BY 'PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON shop.* TO 'shop'@'%';
-- To end what a frozen process holds, and to see whether replicas follow (docs/databases.md).
GRANT PROCESS, REPLICATION CLIENT ON *.* TO 'shop'@'%';

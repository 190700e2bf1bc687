#!/bin/bash
# Whether this MySQL serves, which the server that the image sets up the database with does not; of a replica also
# whether it follows: healthy.sh [replica]
serves="SELECT 1 WHERE NOT @@skip_networking"
follows="AND (SELECT COUNT(*) FROM performance_schema.replication_connection_status WHERE SERVICE_STATE = 'ON')
         AND (SELECT COUNT(*) FROM performance_schema.replication_applier_status WHERE SERVICE_STATE = 'ON')"
[ "${1:-}" = replica ] || follows=
export MYSQL_PWD
MYSQL_PWD=$(cat /run/secrets/mysql_root_password)
[ "$(mysql -uroot -N -e "$serves $follows")" = 1 ]

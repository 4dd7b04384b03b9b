-- The integrator's table, with an index on the number, filled with numbers already brought to the national form.
CREATE DATABASE crm CHARACTER SET utf8mb4;
CREATE TABLE crm.contacts (
    id INT NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    telephone VARCHAR(32) NOT NULL
) ENGINE = InnoDB;
LOAD DATA INFILE '@CSV@' INTO TABLE crm.contacts CHARACTER SET utf8mb4
    FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' LINES TERMINATED BY '\n' IGNORE 1 LINES;
ALTER TABLE crm.contacts ADD INDEX (telephone);
ANALYZE TABLE crm.contacts;

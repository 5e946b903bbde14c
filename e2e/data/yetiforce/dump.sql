-- MySQL dump 10.19  Distrib 10.6.18-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: yetiforce
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET FOREIGN_KEY_CHECKS=0 */;

CREATE TABLE `a_yf_encryption` (
  `method` varchar(40) NOT NULL,
  `pass` varchar(16) NOT NULL
) ENGINE=InnoDB;
INSERT INTO `a_yf_encryption` VALUES ('aes-256-cbc','vector of 16 let');
CREATE TABLE `vtiger_users` (
  `id` int(11) NOT NULL,
  `user_name` varchar(32) DEFAULT NULL,
  `email1` varchar(100) DEFAULT NULL,
  PRIMARY KEY (`id`)
);
INSERT INTO `vtiger_users` VALUES (7,'admin','ada@example.com'),(8,'nobody','nobody@example.com');
CREATE TABLE `vtiger_contactdetails` (
  `contactid` int(11) NOT NULL,
  `note` text
);
INSERT INTO `vtiger_contactdetails` VALUES (120,'it''s (\'odd\');\nINSERT INTO `w_yf_servers` VALUES (99,\'x\');'),(130,'\\');
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `t` AFTER INSERT ON `vtiger_contactdetails` FOR EACH ROW BEGIN
INSERT INTO `w_yf_servers` VALUES (98,'y');
END */;;
DELIMITER ;
CREATE TABLE `w_yf_api_user` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `server_id` int(10) unsigned NOT NULL,
  `status` tinyint(1) NOT NULL DEFAULT 0,
  `user_name` varchar(100) NOT NULL,
  `password` varchar(500) DEFAULT NULL,
  `type` tinyint(1) NOT NULL DEFAULT 1,
  `login_time` datetime DEFAULT NULL,
  `crmid` int(11) DEFAULT NULL,
  `user_id` int(11) NOT NULL,
  `login_method` varchar(30) NOT NULL DEFAULT 'PLL_PASSWORD',
  `auth` varchar(500) DEFAULT NULL COMMENT 'a; (second) factor',
  `custom_params` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `user_name` (`user_name`)
) ENGINE=InnoDB;
LOCK TABLES `w_yf_api_user` WRITE;
INSERT INTO `w_yf_api_user` VALUES
(1,1,1,'ann@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,'2025-06-01 11:57:03',NULL,7,'PLL_PASSWORD',NULL,'{\"language\":\"pl-PL\",\"ip\":\"127.0.0.1\",\"version\":\"1.1\"}'),
(2,1,1,'bob@example.com','$2y$10$a0DqbA/tXg/yYESebETxb.TAbEl.pAlMFb6DajmeELnyJ6lihxIyu',2,NULL,120,7,'PLL_PASSWORD',NULL,NULL),
(3,1,1,'carol@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD_2FA','cP69mj761MiHwQYi8+ezEfPWTRGU3zUU8DjiWaQ4pUFZU7QJAHg2XPzyw0b4DpEFXD3liFA3za0dp7s3FxlbSVqDBGLnWf8ZJvRMEL4MyT4=',NULL),
(4,1,1,'dan@example.com',NULL,1,NULL,NULL,7,'PLL_PASSWORD_2FA',NULL,NULL),
(5,1,0,'gone@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(6,1,1,'no-contact@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',3,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(7,1,1,'no-profile@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,99,'PLL_PASSWORD',NULL,NULL),
(8,8,1,'refused-application@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(9,77,1,'no-application@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(10,1,1,'md5@example.com','5f4dcc3b5aa765d61d8327deb882cf99',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(11,1,1,'absurd@example.com','$2y$31$a0DqbA/tXg/yYESebETxb.TAbEl.pAlMFb6DajmeELnyJ6lihxIyu',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(12,1,1,'method@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_OTHER',NULL,NULL),
(13,4,1,'other-container@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(14,1,1,'type@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',9,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(15,1,1,'no address','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',2,NULL,130,7,'PLL_PASSWORD',NULL,NULL),
(16,1,1,'garbled@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD','garbled',NULL),
(17,1,1,'wrong-codes@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD_2FA','cP69mj761MiHwQYi8+ezEfPWTRGU3zUU8DjiWaQ4pUFZU7QJAHg2XPzyw0b4DpEF260ScwuDONSPs1Mld4v0Bg==',NULL),
(18,1,1,'','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(19,1,1,'ANN@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD',NULL,NULL),
(20,7,1,'codes-off@example.com','$argon2id$v=19$m=65536,t=4,p=1$c2FsdCBvZiB0aGUgdGVzdA$fiQiNY1mh12CPBUJAmUXVtPdWcpr8RQ9TjVc/cTT3Xc',1,NULL,NULL,7,'PLL_PASSWORD_2FA','cP69mj761MiHwQYi8+ezES6k5a9eT5m7OPcrzHclIpJj/8FSCXIT84M8YQXlSQ/IctYVQ9JXaSlG5b1bLZhtTg==',NULL);
UNLOCK TABLES;
CREATE TABLE `w_yf_api_session` (`id` char(64) NOT NULL, `user_id` int NOT NULL);
INSERT INTO `w_yf_api_session` VALUES ('5555555555555555555555555555555555555555555555555555555555555555',1);
CREATE TABLE `w_yf_manage_consents_user` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `server_id` int(10) unsigned NOT NULL,
  `status` tinyint(1) NOT NULL DEFAULT 0,
  `token` char(64) NOT NULL,
  `type` tinyint(1) NOT NULL DEFAULT 1,
  `login_time` datetime DEFAULT NULL,
  `language` varchar(10) DEFAULT NULL,
  `user_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `w_yf_manage_consents_user` VALUES (1,3,1,0x30303131323233333434353536363737383839396161626263636464656566663030313132323333343435353636373738383939616162626363646465656666,1,NULL,'pl-PL',7),(2,3,1,'not-a-token',1,NULL,NULL,7);
CREATE TABLE `w_yf_portal_user` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `server_id` int(10) unsigned NOT NULL,
  `status` tinyint(1) NOT NULL DEFAULT 0,
  `user_name` varchar(100) NOT NULL,
  `password` varchar(500) DEFAULT NULL,
  `type` tinyint(1) NOT NULL DEFAULT 1,
  `login_time` datetime DEFAULT NULL,
  `crmid` int(11) DEFAULT NULL,
  `user_id` int(11) NOT NULL,
  `login_method` varchar(30) NOT NULL DEFAULT 'PLL_PASSWORD',
  `auth` varchar(500) DEFAULT NULL COMMENT 'a; (second) factor',
  `custom_params` text DEFAULT NULL,
  `istorage` int(11) DEFAULT NULL,
  `preferences` text DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `w_yf_portal_user` VALUES
(1,2,1,'eve@example.com','$argon2id$v=19$m=1024,t=2,p=1$c2FsdCBvZiB0aGUgdGVzdA$hfmunmn7jmyOFEh2KhIQdEA4Rgi+7vO9ezr8HCexnBM',5,NULL,130,7,'PLL_PASSWORD','cP69mj761MiHwQYi8+ezEWcyoxm2krBrSx2T5rS/2LA=','[]',3,'{\"menu\": \"it\'s a \\\"wide\\\" one\"}');
CREATE TABLE `w_yf_sms_user` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `server_id` int(10) unsigned NOT NULL,
  `status` tinyint(1) NOT NULL DEFAULT 0,
  `token` char(64) NOT NULL,
  `type` tinyint(1) NOT NULL DEFAULT 1,
  `login_time` datetime DEFAULT NULL,
  `language` varchar(10) DEFAULT NULL,
  `user_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `w_yf_sms_user` (`id`,`server_id`,`status`,`token`,`user_id`) VALUES (1,4,1,_binary 'ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100',7);
CREATE TABLE `w_yf_servers` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(100) NOT NULL,
  `pass` varchar(500) DEFAULT NULL,
  `status` tinyint(1) NOT NULL DEFAULT 0,
  `api_key` varchar(500) NOT NULL,
  `type` varchar(40) NOT NULL,
  `url` varchar(255) DEFAULT NULL,
  `ips` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `api_key` (`api_key`),
  UNIQUE KEY `name` (`type`,`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO `w_yf_servers` VALUES
(1,'Customer portal','YyFNNs++gKwJlhGHqCGQIg==',1,'7EGjpEZLHxPHp+pKwla+8sYlCMDusBz5jMDaB+6w8yAPa2bTP8zxoHTTCMQSUM6O','WebserviceStandard','https://portal.example.com/','127.0.0.1 , 10.0.0.7'),
(2,'Premium żółć','bdWZRJ4nH3tBPO40CFLLaTqnLSMq/hQfPbaK27nNJXM=',1,'yQc0ORHd3DbzIahgE8iwCvme876d7R7T8uyYctylBCdgcKGFIsdixBxfFkDLZbPj','WebservicePremium',NULL,NULL),
(3,'Consents','tpgNXYKakyLU/HuojeTjL/F9CYd0FjRbCKvcTR+BD0s=',1,'/Ny374hV4d2t+yrl89H2eJaG1n2H1QeHipuXWTsbvzicmEQExJJyiE6LdGd16uI3','ManageConsents',NULL,NULL),
(4,'Gateway','HiCUCxLPtTnJkrCyQvGKNTNoseaOozWR2c8XmALkS5E=',1,'UI2ClrLDDMSYDdO3hN6yDjIFaYMr5VEgfOFrRGKLuMAMZ8fUhsiT9pnM4DpqtukT','SMS',NULL,'127.0.0.1'),
(5,'Telephones','',1,'LuMuwZKhY9JK70S7FfIq45urtoa4QMEa0KhjwgPmsdDEQVUrRsC09PauM7nOwTJr','PBX',NULL,'127.0.0.1'),
(6,'Links','',1,'vqBvHCFj12NrD3VCmej4b6Xv1L+Al13wQft58E6s8/QZAGcSU8ZlXIZUAVMXLQ2a','Token','https://crm.example.com',NULL),
(7,'Old portal','nFTdU45/T4YY3i8PFrWNePJ45XGJOkgfbQQoa1wPodA=',0,'ygbM43jXmFK66Yzt96Q2ItAZ9wy5G39dsr9TkX7Tee43HDP9kxRmxSdd/lTeyDwk','WebserviceStandard',NULL,NULL),
(8,'With: a colon','dOTqd0yQLzbScmuOckrI+g==',1,'GaH62xnCU0hgGDfIytfbjZrGzKKxR47zNmXYA9UA2iHU3MpfH3tELEihbDOWYer0','WebserviceStandard',NULL,NULL),
(9,'Bad addresses','dOTqd0yQLzbScmuOckrI+g==',1,'F6lYq708iTMNoiCifrP+67vbzkfLAatl31fiTYmm48Ra+l5ofHvXno0Zh4cxdO2K','WebserviceStandard',NULL,'10.0.0.1, host.example'),
(10,'No scheme','dOTqd0yQLzbScmuOckrI+g==',1,'UQfW4oZQ9HHo5f8FX5befLtkd+5eTh7E7f5w8C5M+uTrpnI8pSDVkXZKpgEpvQR7','WebserviceStandard','portal.example.com',NULL),
(11,'No addresses','',1,'RmsskceGQGrd6Rx1GCx0PaE5AAIdYJL3rpcu3G8M9ISwCN9knbPfUdW3d1zKZkhV','SMS',NULL,NULL),
(12,'Mail accounts','',1,'K1Led9emHV0mz0Ch8E/6VJIvSHr9sIgQAEax9TkPrdv2NsfT/QfsIpb+eu7F0PGQ','OAuth',NULL,NULL),
(13,'No password','',1,'Y0kKFWDpWTinJB2kwxv/0qUWXhLNvSUqpr39J4cLKNCBTfakbm49FCW/pHLbTnZl','WebserviceStandard',NULL,NULL),
(14,'customer PORTAL','dOTqd0yQLzbScmuOckrI+g==',1,'EDxa/Edol2m7iwxn32koRVdgsl0eKAW9pfZhNi1jdASEWYeJGzxiKIKsQRew3i7c','WebserviceStandard',NULL,NULL),
(15,'Short key','dOTqd0yQLzbScmuOckrI+g==',1,'WU8yXyz7XExz4IyGVm1hOw==','WebserviceStandard',NULL,NULL),
(16,'Older','nFTdU45/T4YY3i8PFrWNeCsefLFWZGokh3TK92Gm98I=',1,'AyJZUqMpsD1Hfnb4S5X9ZgMm+vdWCT4oWW3JpncXAPRybHijzd0GkaGbIao7Pou6','RestApi',NULL,NULL);
/*!40014 SET FOREIGN_KEY_CHECKS=1 */;

-- Dump completed on 2026-01-02  3:04:05

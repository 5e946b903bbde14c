//! Makes the dump of a YetiForce database that the migration is tried with: synthetic, with every column of the tables that
//! something is taken from, and each odd case. `e2e/data/yetiforce/dump.sql` is what it makes; `UPDATE_DUMP=1` writes it anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use argon2::{Argon2, Params, PasswordHasher as _};
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the installation's configuration calls `encryptionPass`: shorter than a key of AES-256.
pub const ENCRYPTION_PASS: &str = "yeti of the test";
/// The installation's key.
pub const INSTALLATION_KEY: &str = "installation key of the test";
/// The password of every user.
pub const PASSWORD: &str = "Zażółć gęślą 1";
/// What the app of the user with one-time codes was given.
pub const TOTP: &str = "JBSWY3DPEHPK3PXP";
/// Keys, by the ids of their applications.
pub const KEYS: [&str; 16] = [
    "aB2cD3eF4gH5jK6mN7pQ8rS9tU2vW3xY",
    "bC3dE4fG5hJ6kM7nP8qR9sT2uV3wX4yZ",
    "cD4eF5gH6jK7mN8pQ9rS2tU3vW4xY5zA",
    "dE5fG6hJ7kM8nP9qR2sT3uV4wX5yZ6aB",
    "eF6gH7jK8mN9pQ2rS3tU4vW5xY6zA7bC",
    "fG7hJ8kM9nP2qR3sT4uV5wX6yZ7aB8cD",
    "gH8jK9mN2pQ3rS4tU5vW6xY7zA8bC9dE",
    "hJ9kM2nP3qR4sT5uV6wX7yZ8aB9cD2eF",
    "jK2mN3pQ4rS5tU6vW7xY8zA9bC2dE3fG",
    "kM3nP4qR5sT6uV7wX8yZ9aB2cD3eF4gH",
    "mN4pQ5rS6tU7vW8xY9zA2bC3dE4fG5hJ",
    "nP5qR6sT7uV8wX9yZ2aB3cD4eF5gH6jK",
    "pQ6rS7tU8vW9xY2zA3bC4dE5fG6hJ7kM",
    "qR7sT8uV9wX2yZ3aB4cD5eF6gH7jK8mN",
    "tooshort",
    "rS8tU9vW2xY3zA4bC5dE6fG7hJ8kM9nP",
];
/// The token of a user of Manage consents, and one of SMS.
pub const TOKENS: [&str; 2] = [
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100",
];
/// A password that no shell and no dump likes.
pub const ODD_PASSWORD: &str = r#"it's a \ "password" żółć"#;

/// How the installation keeps its secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// As a fresh installation does.
    Plain,
    /// Under [`ENCRYPTION_PASS`].
    Encrypted,
}

const VECTOR: &str = "vector of 16 let";

const SERVERS: &str = "CREATE TABLE `w_yf_servers` (
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
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;";

const USERS: &str = "  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
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
";

const TOKEN_USERS: &str = "  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `server_id` int(10) unsigned NOT NULL,
  `status` tinyint(1) NOT NULL DEFAULT 0,
  `token` char(64) NOT NULL,
  `type` tinyint(1) NOT NULL DEFAULT 1,
  `login_time` datetime DEFAULT NULL,
  `language` varchar(10) DEFAULT NULL,
  `user_id` int(11) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;";

/// Where the dump stands that the tests read.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/yetiforce/dump.sql")
}

/// The whole dump.
pub fn dump(secrets: Secrets) -> String {
    let mut dump = String::from(
        "-- MySQL dump 10.19  Distrib 10.6.18-MariaDB, for debian-linux-gnu (x86_64)\n--\n-- Host: localhost    Database: yetiforce\n\
         /*!40101 SET NAMES utf8mb4 */;\n/*!40014 SET FOREIGN_KEY_CHECKS=0 */;\n\n",
    );
    if secrets == Secrets::Encrypted {
        dump.push_str("CREATE TABLE `a_yf_encryption` (\n  `method` varchar(40) NOT NULL,\n  `pass` varchar(16) NOT NULL\n) ENGINE=InnoDB;\n");
        let _ = writeln!(dump, "INSERT INTO `a_yf_encryption` VALUES ('aes-256-cbc','{VECTOR}');");
    }
    dump.push_str(CRM);
    // As in a real one, users stand before their applications.
    let _ = writeln!(
        dump,
        "CREATE TABLE `w_yf_api_user` (\n{USERS}  PRIMARY KEY (`id`),\n  UNIQUE KEY `user_name` (`user_name`)\n) ENGINE=InnoDB;"
    );
    let _ = writeln!(
        dump,
        "LOCK TABLES `w_yf_api_user` WRITE;\nINSERT INTO `w_yf_api_user` VALUES\n{};\nUNLOCK TABLES;",
        api_users(secrets)
    );
    let _ = writeln!(
        dump,
        "CREATE TABLE `w_yf_api_session` (`id` char(64) NOT NULL, `user_id` int NOT NULL);\n\
         INSERT INTO `w_yf_api_session` VALUES ('{}',1);",
        "5".repeat(64)
    );
    let _ = writeln!(
        dump,
        "CREATE TABLE `w_yf_manage_consents_user` (\n{TOKEN_USERS}\nINSERT INTO `w_yf_manage_consents_user` VALUES \
         (1,3,1,0x{},1,NULL,'pl-PL',7),(2,3,1,'not-a-token',1,NULL,NULL,7);",
        TOKENS[0].bytes().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
    );
    let _ = writeln!(
        dump,
        "CREATE TABLE `w_yf_portal_user` (\n{USERS}  `istorage` int(11) DEFAULT NULL,\n  `preferences` text DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;"
    );
    let _ = writeln!(dump, "INSERT INTO `w_yf_portal_user` VALUES\n{};", portal_users(secrets));
    let _ = writeln!(
        dump,
        "CREATE TABLE `w_yf_sms_user` (\n{TOKEN_USERS}\n\
         INSERT INTO `w_yf_sms_user` (`id`,`server_id`,`status`,`token`,`user_id`) VALUES (1,4,1,_binary '{}',7);",
        TOKENS[1]
    );
    let _ = writeln!(dump, "{SERVERS}\nINSERT INTO `w_yf_servers` VALUES\n{};", servers(secrets));
    dump.push_str("/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n\n-- Dump completed on 2026-01-02  3:04:05\n");
    dump
}

/// Tables of the CRM itself, which are passed over but for its users' addresses; and one that says what looks like rows.
const CRM: &str = r"CREATE TABLE `vtiger_users` (
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
";

// === rows ===

fn servers(secrets: Secrets) -> String {
    let columns = [
        // name, password, status, type, url, addresses
        ("Customer portal", "short", 1, "WebserviceStandard", "https://portal.example.com/", "127.0.0.1 , 10.0.0.7"),
        ("Premium żółć", ODD_PASSWORD, 1, "WebservicePremium", "", ""),
        ("Consents", "a password of consents", 1, "ManageConsents", "", ""),
        ("Gateway", "which nobody asks for", 1, "SMS", "", "127.0.0.1"),
        ("Telephones", "", 1, "PBX", "", "127.0.0.1"),
        ("Links", "", 1, "Token", "https://crm.example.com", ""),
        ("Old portal", "a password of old", 0, "WebserviceStandard", "", ""),
        ("With: a colon", "a password", 1, "WebserviceStandard", "", ""),
        ("Bad addresses", "a password", 1, "WebserviceStandard", "", "10.0.0.1, host.example"),
        ("No scheme", "a password", 1, "WebserviceStandard", "portal.example.com", ""),
        ("No addresses", "", 1, "SMS", "", ""),
        ("Mail accounts", "", 1, "OAuth", "", ""),
        ("No password", "", 1, "WebserviceStandard", "", ""),
        ("customer PORTAL", "a password", 1, "WebserviceStandard", "", ""),
        ("Short key", "a password", 1, "WebserviceStandard", "", ""),
        ("Older", "a password of older", 1, "RestApi", "", ""),
    ];
    let mut rows = Vec::new();
    for (number, (name, password, status, kind, url, addresses)) in columns.into_iter().enumerate() {
        let (password, key) = (kept(secrets, password), kept(secrets, KEYS[number]));
        let (name, url, addresses) = (quoted(name), nullable(url), nullable(addresses));
        let id = number + 1;
        rows.push(format!("({id},{name},{},{status},{},'{kind}',{url},{addresses})", quoted(&password), quoted(&key)));
    }
    rows.join(",\n")
}

/// Application, status, name, hash, type, contact, profile, method, auth.
type ApiUser<'r> = (u32, u8, &'r str, &'r str, u8, u32, u32, &'r str, &'r str);

fn api_users(secrets: Secrets) -> String {
    let hash = argon2id("WebserviceStandard", 65_536, 4);
    let bcrypt = bcrypt("WebserviceStandard", 10);
    let codes = |secret: &str, methods: &str| {
        kept(secrets, &format!("{{\"authy_methods\":\"{methods}\",\"authy_secret_key\":\"{secret}\"}}"))
    };
    let (with_codes, wrong_codes, off) =
        (codes(TOTP, "PLL_AUTHY_TOTP"), codes("WRONG!", "PLL_AUTHY_TOTP"), codes(TOTP, "-"));
    let absurd = bcrypt.replacen("$10$", "$31$", 1);
    let (password, codes) = ("PLL_PASSWORD", "PLL_PASSWORD_2FA");
    let rows: [ApiUser<'_>; 20] = [
        (1, 1, "ann@example.com", &hash, 1, 0, 7, password, ""),
        (1, 1, "bob@example.com", &bcrypt, 2, 120, 7, password, ""),
        (1, 1, "carol@example.com", &hash, 1, 0, 7, codes, &with_codes),
        (1, 1, "dan@example.com", "", 1, 0, 7, codes, ""),
        (1, 0, "gone@example.com", &hash, 1, 0, 7, password, ""),
        (1, 1, "no-contact@example.com", &hash, 3, 0, 7, password, ""),
        (1, 1, "no-profile@example.com", &hash, 1, 0, 99, password, ""),
        (8, 1, "refused-application@example.com", &hash, 1, 0, 7, password, ""),
        (77, 1, "no-application@example.com", &hash, 1, 0, 7, password, ""),
        (1, 1, "md5@example.com", "5f4dcc3b5aa765d61d8327deb882cf99", 1, 0, 7, password, ""),
        (1, 1, "absurd@example.com", &absurd, 1, 0, 7, password, ""),
        (1, 1, "method@example.com", &hash, 1, 0, 7, "PLL_OTHER", ""),
        (4, 1, "other-container@example.com", &hash, 1, 0, 7, password, ""),
        (1, 1, "type@example.com", &hash, 9, 0, 7, password, ""),
        (1, 1, "no address", &hash, 2, 130, 7, password, ""),
        (1, 1, "garbled@example.com", &hash, 1, 0, 7, password, "garbled"),
        (1, 1, "wrong-codes@example.com", &hash, 1, 0, 7, codes, &wrong_codes),
        (1, 1, "", &hash, 1, 0, 7, password, ""),
        (1, 1, "ANN@example.com", &hash, 1, 0, 7, password, ""),
        (7, 1, "codes-off@example.com", &hash, 1, 0, 7, codes, &off),
    ];
    let mut lines = Vec::new();
    for (id, (server, status, name, hash, kind, contact, profile, method, auth)) in (1..).zip(rows) {
        let contact = if contact == 0 { "NULL".to_owned() } else { contact.to_string() };
        let (time, custom) = match id {
            1 => ("'2025-06-01 11:57:03'", r#"'{\"language\":\"pl-PL\",\"ip\":\"127.0.0.1\",\"version\":\"1.1\"}'"#),
            _ => ("NULL", "NULL"),
        };
        lines.push(format!(
            "({id},{server},{status},{},{},{kind},{time},{contact},{profile},'{method}',{},{custom})",
            quoted(name),
            nullable(hash),
            nullable(auth)
        ));
    }
    lines.join(",\n")
}

fn portal_users(secrets: Secrets) -> String {
    let hash = argon2id("WebservicePremium", 1_024, 2);
    let auth = nullable(&kept(secrets, "{\"authy_methods\":\"-\"}"));
    let preferences = quoted(r#"{"menu": "it's a \"wide\" one"}"#);
    let hash = quoted(&hash);
    format!("(1,2,1,'eve@example.com',{hash},5,NULL,130,7,'PLL_PASSWORD',{auth},'[]',3,{preferences})")
}

// === texts ===

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"").replace('\n', "\\n"))
}

fn nullable(text: &str) -> String {
    if text.is_empty() { "NULL".to_owned() } else { quoted(text) }
}

// === secrets ===

/// As the installation keeps a text; an empty one it keeps as it is.
fn kept(secrets: Secrets, text: &str) -> String {
    if secrets == Secrets::Plain || text.is_empty() {
        return text.to_owned();
    }
    let (mut key, mut vector) = ([0; 32], [0; 16]);
    key[..ENCRYPTION_PASS.len()].copy_from_slice(ENCRYPTION_PASS.as_bytes());
    vector.copy_from_slice(VECTOR.as_bytes());
    let key = UnboundCipherKey::new(&AES_256, &key).and_then(PaddedBlockEncryptingKey::cbc_pkcs7).expect("a key");
    let mut bytes = text.as_bytes().to_vec();
    key.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(FixedLength::from(vector))).expect("encrypted");
    STANDARD.encode(bytes)
}

/// What the installation hashes in the place of the password.
fn mac(container: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, format!("{container}{INSTALLATION_KEY}").as_bytes());
    let mac = hmac::sign(&key, PASSWORD.as_bytes());
    mac.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn argon2id(container: &str, memory_kib: u32, passes: u32) -> String {
    let params = Params::new(memory_kib, passes, 1, None).expect("parameters");
    let argon = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash = argon.hash_password_with_salt(mac(container).as_bytes(), b"salt of the test");
    hash.expect("a hash").to_string()
}

fn bcrypt(container: &str, cost: u32) -> String {
    let hash = bcrypt::hash_with_salt(mac(container), cost, *b"salt of the test").expect("a hash");
    hash.format_for_version(bcrypt::Version::TwoY)
}

#[test]
fn the_committed_dump_is_what_is_made() {
    let made = dump(Secrets::Encrypted);
    if std::env::var_os("UPDATE_DUMP").is_some() {
        std::fs::create_dir_all(committed().parent().expect("a folder")).expect("made");
        std::fs::write(committed(), &made).expect("written");
    }
    let stands = std::fs::read_to_string(committed()).expect("the committed dump");
    assert!(stands == made, "UPDATE_DUMP=1 writes it anew");
}

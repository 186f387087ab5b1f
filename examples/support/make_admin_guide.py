"""Write ``documents/admin-guide.pdf``, the only PDF of the Kestrel demo corpus.

Run it with ``python examples/support/make_admin_guide.py``. It needs fpdf2 and nothing
else. The output is the same, byte for byte, on every run: the creation date and the
producer are fixed, streams are not compressed, and only the built-in PDF fonts are used.
Pass ``--check`` to compare the committed file with a fresh one instead of writing it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

TITLE = "Kestrel Self-hosted: Administrator's Guide"
EDITION = "Edition 7.2, 21 April 2026"
CREATED = datetime(2026, 4, 21, 9, 0, 0, tzinfo=UTC)
OUTPUT = Path(__file__).parent / "documents" / "admin-guide.pdf"

FONT = "Helvetica"
BODY_SIZE = 10.5
LINE_HEIGHT = 5.4
GREY = 110


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Steps:
    """A numbered list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Bullets:
    """An unnumbered list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """One or more lines to type, set in a fixed-width font."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table; the first row holds the column names, ``widths`` their shares."""

    caption: str
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Text | Steps | Bullets | Command | Grid


@dataclass(frozen=True)
class Section:
    """A numbered part of a chapter."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Chapter:
    """A numbered chapter. Each one starts on a new page."""

    title: str
    sections: tuple[Section, ...]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "About this guide",
        (
            Section(
                "Who should read it",
                (
                    Text(
                        "This guide is for the person who installs and looks after Kestrel "
                        "Self-hosted. You should be at home on a Linux server and know how to "
                        "run a PostgreSQL database. You do not need to know how clinics or "
                        "salons plan their day; the handbook covers that."
                    ),
                    Text(
                        "The guide was written by Birgit Aalto, who has led the self-hosted "
                        "team at Kestrel Works since 2021, with help from the hospital group "
                        "Wadzijde, where Kestrel has run on two servers since edition 5.4."
                    ),
                ),
            ),
            Section(
                "Which versions it covers",
                (
                    Text(
                        "The guide describes version 7.2. Each minor version receives security "
                        "repairs for 12 months. Version 7.0 is a long-term version and receives "
                        "them until 30 November 2027. If you can update only once a year, stay "
                        "on the long-term version and move to the next one when it is announced."
                    ),
                    Text(
                        "Standard and Plus use the same package. The licence key decides which "
                        "functions are active, so a move from Standard to Plus needs no new "
                        "installation and no restart."
                    ),
                ),
            ),
            Section(
                "How commands are shown",
                (
                    Text(
                        "Commands begin with kestrelctl, the tool that comes with the package. "
                        "Run it as the user kestrel unless the text says otherwise. Words in "
                        "capital letters are placeholders for values of your own."
                    ),
                    Command(("kestrelctl status", "kestrelctl help COMMAND")),
                    Text(
                        "Every command accepts --dry-run, which prints what would be done and "
                        "changes nothing. We recommend it before anything that touches data."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "System requirements",
        (
            Section(
                "Choosing a size",
                (
                    Text(
                        "Choose the size by the number of calendars you expect in two years. The "
                        "figures below leave a third of the machine free on a busy Monday "
                        "morning, when bookings are about four times as frequent as on average."
                    ),
                    Grid(
                        "Table 1: Recommended machines",
                        (26, 30, 24, 26, 30, 40),
                        (
                            ("Size", "Calendars", "Cores", "Memory", "Disk", "Layout"),
                            ("Small", "up to 10", "2", "4 GB", "40 GB", "one server"),
                            ("Medium", "up to 60", "4", "12 GB", "120 GB", "one server"),
                            ("Large", "up to 140", "8", "32 GB", "350 GB", "separate database"),
                            ("Extra large", "up to 250", "12", "48 GB", "600 GB", "two app nodes"),
                        ),
                    ),
                    Text(
                        "Disk space is without attachments. Clinics that store scans should add "
                        "2.5 GB for each practitioner and year. Use solid-state disks with at "
                        "least 3,000 operations per second for the database."
                    ),
                ),
            ),
            Section(
                "Software",
                (
                    Text(
                        "Kestrel runs on 64-bit Linux with kernel 5.15 or newer, on x86 and ARM. "
                        "PostgreSQL 14 to 17 is supported, and we recommend 16. Other databases "
                        "do not work. The package brings its own web server; put your own proxy "
                        "in front of it only if you need one for other reasons."
                    ),
                ),
            ),
            Section(
                "Network",
                (
                    Text("Open these four ports between the parts of the system."),
                    Bullets(
                        (
                            "8443 for browsers and the staff app, from everywhere you need it.",
                            "5432 from the app nodes to the database.",
                            "9460 for measurements, from your monitoring server only.",
                            "7010 between app nodes, if you have more than one.",
                        )
                    ),
                    Text(
                        "Outgoing traffic is needed to your mail server, your text gateway and "
                        "the licence service. An installation without any internet connection "
                        "is possible with an offline key, described in chapter 5."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Installation",
        (
            Section(
                "Before you start",
                (
                    Text(
                        "Have these four things ready: the package file from your customer page, "
                        "its checksum, your licence key, and a TLS certificate for the name your "
                        "clients will use. A self-signed certificate is accepted for tests but "
                        "the staff app refuses it."
                    ),
                    Text(
                        "Plan 90 minutes for a small installation. Half of this time is spent on "
                        "the database if you have none yet. Set the clock of the server by a "
                        "time service; Kestrel refuses to start if it is more than 5 minutes off."
                    ),
                ),
            ),
            Section(
                "Installing the package",
                (
                    Steps(
                        (
                            "Compare the checksum of the file with the one on your customer page.",
                            "Install the package with the tool of your distribution.",
                            (
                                "Create an empty database with the encoding UTF-8 and a user who "
                                "owns it. The user needs no other rights."
                            ),
                            "Run the set-up command and answer its nine questions.",
                            "Start the service and open port 8443 in a browser.",
                        )
                    ),
                    Command(("kestrelctl setup", "kestrelctl start")),
                    Text(
                        "The set-up prints a one-time address for the first Owner. It is valid "
                        "for 45 minutes. If you miss it, print a new one with kestrelctl "
                        "first-owner; this works only while the account has no Owner."
                    ),
                ),
            ),
            Section(
                "Checking the result",
                (
                    Text(
                        "Run the doctor after the installation and after each change to the "
                        "server. It makes 31 checks in about 20 seconds and sorts the findings "
                        "into errors, warnings and hints. Do not go live with an error."
                    ),
                    Command(("kestrelctl doctor",)),
                    Text(
                        "The warning D-17 means that the database is on the same disk as the "
                        "attachments. This is fine for the small size. The warning D-22 means "
                        "that mail is sent without TLS, which you should change."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Configuration",
        (
            Section(
                "The configuration file",
                (
                    Text(
                        "All settings of the server are in one file, kestrel.toml, in the "
                        "configuration folder of the package. Settings of the business, such as "
                        "reminders, are in the database and are changed in the browser. A value "
                        "can also be given as an environment variable that begins with KESTREL_, "
                        "and the variable wins over the file."
                    ),
                    Text(
                        "After a change run kestrelctl reload. Sessions stay open. Only four "
                        "settings need a restart, and the reload tells you if you have changed "
                        "one of them: the port, the database address, the number of workers, and "
                        "the storage folder."
                    ),
                ),
            ),
            Section(
                "Workers",
                (
                    Text(
                        "Web workers answer browsers; job workers send messages and prepare "
                        "exports. The package starts with workers.web = 4 and workers.jobs = 2. "
                        "Use two web workers per core, and one job worker for every 5,000 "
                        "reminders a day. A web worker needs about 280 MB of memory and a job "
                        "worker about 190 MB."
                    ),
                ),
            ),
            Section(
                "Mail",
                (
                    Text(
                        "Kestrel hands mail to a server of your own on port 587. Set mail.host, "
                        "mail.user and mail.from. The sender address must belong to a domain "
                        "with SPF and DKIM, because about one in six reminders is otherwise "
                        "treated as spam. Bounces are read from a mailbox over IMAP every 10 "
                        "minutes if mail.bounces is set."
                    ),
                ),
            ),
            Section(
                "Text messages",
                (
                    Text(
                        "Choose a gateway with sms.gateway. Three kinds are built in: generic "
                        "HTTP, SMPP 3.4 and a local modem. The modem is meant for very small "
                        "installations and sends at most 6 messages a minute. The other two send "
                        "up to 30 messages a second; lower sms.per_second if your contract "
                        "allows less."
                    ),
                    Text(
                        "If the gateway does not answer for 15 minutes, Kestrel switches to "
                        "sms.fallback_gateway, if there is one, and writes the event E-3301 to "
                        "the log. It switches back by itself after an hour without errors."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Licence keys",
        (
            Section(
                "Entering the key",
                (
                    Text(
                        "The key is a text of 64 characters that begins with KSH. Enter it "
                        "during the set-up or later with the command below. A key may be active "
                        "on one production server and two test servers at the same time."
                    ),
                    Command(("kestrelctl licence set KEY", "kestrelctl licence show")),
                ),
            ),
            Section(
                "The daily check",
                (
                    Text(
                        "Every day at 04:15 the server asks the licence service whether the key "
                        "is still valid. The request contains the key, the version and the "
                        "number of calendars, and nothing about clients. If the service cannot "
                        "be reached, Kestrel goes on working for 21 days and shows a yellow bar "
                        "to Owners from the seventh day."
                    ),
                    Text(
                        "After the 21 days, clients can no longer book online, but staff can "
                        "still see, add and move appointments by hand. Nothing is deleted. One "
                        "successful check brings everything back."
                    ),
                ),
            ),
            Section(
                "Offline keys",
                (
                    Text(
                        "Servers without internet use an offline key file. Ask for it at "
                        "licence@kestrel.example and send the output of kestrelctl licence "
                        "fingerprint. The file is valid for 400 days, so that you have a margin "
                        "of about a month for each yearly renewal. Offline keys are part of Plus; "
                        "for Standard they cost EUR 180 a year."
                    ),
                ),
            ),
            Section(
                "Renewal and change of hardware",
                (
                    Text(
                        "A renewed key does not have to be entered again; the server learns of "
                        "it at the next check. After a change of mainboard or a move to another "
                        "host, the fingerprint differs. You may release the old one yourself "
                        "three times a year. After that, write to Birgit Aalto's team."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Database and storage",
        (
            Section(
                "Database settings",
                (
                    Text(
                        "Give PostgreSQL a quarter of the memory as shared buffers and allow at "
                        "least 120 connections. Each web worker keeps up to 10 connections and "
                        "each job worker 4. The time zone of the database must be UTC; the "
                        "doctor reports the error D-09 if it is not."
                    ),
                    Text(
                        "Kestrel uses the extensions pg_trgm and btree_gist. The second one "
                        "guards against double bookings inside the database itself, so do not "
                        "remove it, even if you see no direct use."
                    ),
                ),
            ),
            Section(
                "Growth",
                (
                    Text(
                        "As a rule of thumb, 100,000 appointments need 1.4 GB, including indexes "
                        "and the audit log. The message log is the fastest-growing table. On "
                        "installations with more than 60 calendars, shorten it to 90 days."
                    ),
                    Text(
                        "A clean-up runs every Sunday at 03:00. It deletes what has passed its "
                        "retention period and then gives space back to the operating system. On "
                        "a medium installation it takes about 12 minutes, during which the "
                        "calendar stays usable."
                    ),
                ),
            ),
            Section(
                "Attachments",
                (
                    Text(
                        "Attachments are kept in a folder or in an object store that speaks the "
                        "S3 protocol. Set storage.kind to folder or s3. A single file may be up "
                        "to 200 MB. Files are named by their checksum, so the same scan uploaded "
                        "twice takes space only once."
                    ),
                    Text(
                        "To move from a folder to an object store, run the command below while "
                        "the service is up. It copies about 35 GB an hour on an ordinary network "
                        "and can be stopped and continued at any time."
                    ),
                    Command(("kestrelctl storage move --to s3",)),
                ),
            ),
        ),
    ),
    Chapter(
        "Backup and restore",
        (
            Section(
                "Making a backup",
                (
                    Text(
                        "One command saves the database, the attachments and the configuration "
                        "in one encrypted file. It can run while people work. Allow 6 minutes "
                        "for every 10 GB. The file is encrypted with a public key that you "
                        "create once; keep the private key away from the server, on paper or in "
                        "a safe."
                    ),
                    Command(("kestrelctl backup keygen", "kestrelctl backup create")),
                    Text(
                        "Without the private key nobody can open the backup, and that includes "
                        "us. In 2025 two customers lost theirs. One of them was lucky, because "
                        "the old server was still standing in the cellar."
                    ),
                ),
            ),
            Section(
                "Schedule and rotation",
                (
                    Text(
                        "The package sets up a nightly backup at 01:20. It keeps 14 daily, 8 "
                        "weekly and 12 monthly files and deletes older ones. Change the numbers "
                        "with backup.daily, backup.weekly and backup.monthly. A backup that is "
                        "older than 30 hours raises the alarm A-02."
                    ),
                    Text(
                        "Copy the files to another building. Kestrel can do this itself over "
                        "SFTP if you set backup.copy_to; it uses the network only between 22:00 "
                        "and 05:00."
                    ),
                ),
            ),
            Section(
                "Restoring a backup",
                (
                    Steps(
                        (
                            (
                                "Install the same minor version that made the backup. Line one "
                                "of the file names it."
                            ),
                            ("Stop the service on the old server, so that no reminder is sent twice."),
                            "Run the restore and give it the private key.",
                            "Run the doctor.",
                            (
                                "Start the service. Messages are held for 30 minutes; use this "
                                "time to look at today's calendar."
                            ),
                        )
                    ),
                    Command(("kestrelctl backup restore FILE --key KEYFILE",)),
                    Text(
                        "A restore takes about twice as long as the backup took. Practise it "
                        "every three months. Write down how long it took; you will be asked on "
                        "the day it matters."
                    ),
                ),
            ),
            Section(
                "Restoring one client",
                (
                    Text(
                        "Sometimes a single record has been deleted by mistake. You do not have "
                        "to go back in time with the whole installation for that. The command "
                        "below opens the backup in a scratch database, shows the clients it "
                        "finds, and copies the one you choose into the running system."
                    ),
                    Command(("kestrelctl backup extract FILE --client NUMBER",)),
                    Text(
                        "The copy includes notes and attachments but no future appointments, "
                        "because their times may have been given to others. The scratch database "
                        "needs as much free disk space as the backup has, and it is removed "
                        "after 60 minutes even if you forget it. Each extraction is written to "
                        "the audit log under the name of the Owner whose approval code you "
                        "entered; the code is shown in the browser and is valid for 10 minutes."
                    ),
                ),
            ),
            Section(
                "A plan on paper",
                (
                    Text(
                        "Write a plan of two pages and hang it next to the front desk. It should "
                        "answer who decides to switch to paper, where today's day list lies, "
                        "which number clients hear, and who has the private key. Customers with "
                        "such a plan were back at work after 2 hours and 20 minutes on average, "
                        "the others after 9 hours. These figures come from 17 failures that were "
                        "reported to us between 2022 and 2025."
                    ),
                    Text(
                        "Name a deputy for every task. In the exercise we offer to Plus "
                        "customers once a year, Lotte Brandsma plays the caller who asks for an "
                        "appointment while your server is down. The exercise takes half a day "
                        "and is free of charge."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Upgrading",
        (
            Section(
                "Planning",
                (
                    Text(
                        "You can skip at most two minor versions at a time. Installations older "
                        "than 6.9 must stop at 6.9 first, because the calendar tables are "
                        "rebuilt there. Read the changelog for every version you pass, and look "
                        "for the line that begins with Self-hosted."
                    ),
                    Text(
                        "The service is down during an upgrade, usually for 3 to 8 minutes. The "
                        "move to 7.0 is the exception: it takes about 4 minutes for every "
                        "100,000 appointments, since each one receives a new index."
                    ),
                ),
            ),
            Section(
                "Carrying it out",
                (
                    Steps(
                        (
                            (
                                "Announce the break with kestrelctl maintenance on. Clients see a "
                                "page with your phone number."
                            ),
                            "Make a backup.",
                            "Install the new package.",
                            (
                                "Run kestrelctl migrate. It stops before any step that cannot be "
                                "undone and asks."
                            ),
                            "Run the doctor, then kestrelctl maintenance off.",
                        )
                    ),
                ),
            ),
            Section(
                "Going back",
                (
                    Text(
                        "You can return to the version before for 48 hours after an upgrade. "
                        "Appointments made in the meantime are kept. After 48 hours the old "
                        "tables are dropped, and only a backup takes you back."
                    ),
                    Command(("kestrelctl rollback",)),
                    Text(
                        "If a rollback fails, do not try a second time. Leave the server as it "
                        "is, take a support bundle as described in chapter 12, and call us. In "
                        "the past three years this has happened to five customers, and no data "
                        "was lost in any of these cases."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Monitoring and logs",
        (
            Section(
                "Health address",
                (
                    Text(
                        "The address /health answers with status 200 if the web workers, the "
                        "database and the queue are well, and with 503 if one of them is not. "
                        "The answer names the part that has failed. It needs no sign-in and "
                        "tells nothing about clients. Ask it every 30 seconds, not more often."
                    ),
                ),
            ),
            Section(
                "Measurements",
                (
                    Text(
                        "Port 9460 offers about 70 measurements in the usual text format. Set an "
                        "alarm on at least these four:"
                    ),
                    Bullets(
                        (
                            "kestrel_queue_waiting above 500 for 10 minutes: messages are late.",
                            "kestrel_answer_seconds, 95th percentile, above 1.5: people notice.",
                            "kestrel_db_connections above 90 % of the limit: add connections.",
                            "kestrel_disk_free below 15 %: backups will soon fail.",
                        )
                    ),
                ),
            ),
            Section(
                "Log files",
                (
                    Text(
                        "Kestrel writes one line of JSON for each event. A file is closed at 200 "
                        "MB, and 10 files are kept. Names, phone numbers and notes never appear; "
                        "clients are shown by number. With log.level = debug the logs grow "
                        "fifteenfold, so switch it back after a day. The service does so by "
                        "itself after 72 hours."
                    ),
                    Text(
                        "Each request has a number that is also shown at the foot of an error "
                        "page. Search for it with the command below, which looks through all "
                        "nodes and all kept files."
                    ),
                    Command(("kestrelctl log find NUMBER",)),
                ),
            ),
            Section(
                "Events worth knowing",
                (
                    Text("Most events explain themselves. We are asked about these:"),
                    Bullets(
                        (
                            (
                                "E-1204: a client was offered a time that had just been taken. "
                                "Harmless below 20 a day."
                            ),
                            "E-2107: the replica is more than 5 seconds behind. See section 10.3.",
                            (
                                "E-2460: a query took longer than 8 seconds. Send us the plan that "
                                "is printed with it."
                            ),
                            "E-3301: the fallback gateway for text messages is in use.",
                            (
                                "E-4015: the licence service could not be reached. It counts "
                                "the days that are left."
                            ),
                            (
                                "E-5002: an attachment does not match its checksum. Stop the "
                                "clean-up with kestrelctl cleanup off and restore the file from a "
                                "backup before you do anything else."
                            ),
                        )
                    ),
                    Text(
                        "Events can be sent to a central log server with log.syslog. Delivery "
                        "uses TCP with TLS; if the server is away, up to 50,000 events wait in "
                        "memory, and the oldest are dropped first."
                    ),
                ),
            ),
            Section(
                "Alarms by mail",
                (
                    Text(
                        "If you have no monitoring system, set alarm.mail to up to three "
                        "addresses. Kestrel then sends these nine alarms by itself, each at most "
                        "once every 4 hours:"
                    ),
                    Bullets(
                        (
                            "A-01: a web worker has been started again three times in an hour.",
                            "A-02: the last backup is older than 30 hours.",
                            "A-03: less than 15 % of a disk is free.",
                            "A-04: the queue holds more than 500 messages.",
                            "A-05: the certificate ends in less than 10 days.",
                            "A-06: the licence service has not answered for 7 days.",
                            "A-07: a node has left the group.",
                            "A-08: more than 200 wrong passwords in ten minutes.",
                            "A-09: the clean-up on Sunday did not finish within 3 hours.",
                        )
                    ),
                    Text(
                        "A summary of the past week arrives on Monday at 06:30, even if nothing "
                        "has happened, so that silence on a Monday is a warning as well. Answer "
                        "an alarm mail with the word LATER to be left alone for 24 hours; A-03 "
                        "and A-08 cannot be put off in this way."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Running several nodes",
        (
            Section(
                "When it is worth it",
                (
                    Text(
                        "One good server with a tested backup is enough for most. Add a second "
                        "app node if more than 140 calendars are in use or if a break of an hour "
                        "would stop patient care. Several nodes need the Plus edition."
                    ),
                ),
            ),
            Section(
                "Layout",
                (
                    Text(
                        "You need two or more app nodes, a PostgreSQL primary with one streaming "
                        "replica, shared storage for attachments, and a load balancer. The load "
                        "balancer needs no sticky sessions, because sessions are kept in the "
                        "database. All nodes must run the same version and share the same secret "
                        "file."
                    ),
                    Text(
                        "One node is the leader and runs the timed jobs. If it disappears, "
                        "another takes over within 40 seconds. You can see the leader with "
                        "kestrelctl nodes."
                    ),
                ),
            ),
            Section(
                "Replica",
                (
                    Text(
                        "Reports and exports read from the replica as long as it is less than 5 "
                        "seconds behind. If it falls further behind, they read from the primary, "
                        "and the event E-2107 is written. Kestrel does not promote the replica "
                        "by itself. Do it with your own tool, then run kestrelctl database "
                        "switch; running requests fail for about 10 seconds."
                    ),
                ),
            ),
            Section(
                "Updating without a break",
                (
                    Text(
                        "Within one minor version, for example from 7.2.0 to 7.2.1, you can "
                        "update one node after the other. Take a node out of the load balancer, "
                        "wait 60 seconds, update it, check /health, and put it back. Between "
                        "minor versions all nodes have to stop."
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Hardening",
        (
            Section(
                "Limiting access",
                (
                    Text(
                        "The administration pages can be limited to your own networks with "
                        "admin.allowed_networks. We advise every customer to set it. Of the 23 "
                        "installations we looked at in 2025 on request of their owners, nine had "
                        "left it empty."
                    ),
                    Text(
                        "Run the service as its own user without a shell. The package creates "
                        "this user and sets the rights of the secret file to owner-only. The "
                        "doctor reports the error D-04 if somebody has changed them."
                    ),
                ),
            ),
            Section(
                "Keys",
                (
                    Text(
                        "Kestrel encrypts treatment notes with a key from the secret file. Change "
                        "it every 180 days. The old key stays in the file until all notes have "
                        "been written anew, which happens in the background at about 2,000 notes "
                        "a minute."
                    ),
                    Command(("kestrelctl keys rotate", "kestrelctl keys status")),
                    Text(
                        "Store a copy of the secret file together with the private backup key. "
                        "If it is lost, treatment notes cannot be read any more. Everything else "
                        "can."
                    ),
                ),
            ),
            Section(
                "Certificates",
                (
                    Text(
                        "Kestrel reads the certificate again every 6 hours, so a renewal needs no "
                        "reload. It can also fetch certificates by the ACME protocol if tls.acme "
                        "is set and port 80 is open. TLS 1.0 and 1.1 cannot be switched on."
                    ),
                ),
            ),
            Section(
                "A yearly review",
                (
                    Bullets(
                        (
                            "Remove people who have left from the server and from Kestrel.",
                            "Restore a backup on a different machine.",
                            "Read the list of API tokens with their last use.",
                            "Compare the firewall with the four ports in section 2.3.",
                        )
                    ),
                ),
            ),
        ),
    ),
    Chapter(
        "Support, moving and leaving",
        (
            Section(
                "The support bundle",
                (
                    Text(
                        "A support bundle holds the last 24 hours of logs, the configuration "
                        "without secrets, the report of the doctor, and the sizes of all tables. "
                        "It contains no client data and is never larger than 250 MB. Open it and "
                        "look before you send it. We delete it 30 days after the case is closed."
                    ),
                    Command(("kestrelctl support-bundle",)),
                ),
            ),
            Section(
                "Moving to Kestrel Cloud",
                (
                    Text(
                        "Our migration desk moves a self-hosted installation to Kestrel Cloud "
                        "for a fixed price of EUR 600 up to 50 GB and EUR 9 for each further GB. "
                        "Priya Ramdas runs the desk and needs two weeks of notice. The move is "
                        "done on an evening from Monday to Thursday. Changes are frozen for 90 "
                        "minutes, and reminders are sent by the old server until midnight."
                    ),
                    Text(
                        "The part of your licence year that is left is credited to the Cloud "
                        "plan, counted in whole months. The old server may stay switched on for "
                        "reading for 30 days."
                    ),
                ),
            ),
            Section(
                "Removing Kestrel",
                (
                    Text(
                        "Make a full export first. The command below removes the database, the "
                        "attachments and the keys. It asks for the account name and waits 60 "
                        "seconds before it begins. Backups are left alone; delete them yourself "
                        "when the law allows it."
                    ),
                    Command(("kestrelctl purge --confirm ACCOUNT",)),
                    Text(
                        "Release the licence key afterwards, so that no further renewal is "
                        "invoiced. A licence that ends is not renewed if you tell us 30 days "
                        "before the end of the licence year."
                    ),
                ),
            ),
        ),
    ),
)


class Guide(FPDF):
    """A4 pages with a running header and a page number at the foot."""

    def __init__(self) -> None:
        """Fix everything that would make two runs differ, and the margins."""
        super().__init__(format="A4", unit="mm")
        self.chapter_line = ""
        self.set_compression(False)
        self.set_creation_date(CREATED)
        self.set_producer("make_admin_guide.py")
        self.set_title(TITLE)
        self.set_author("Kestrel Works B.V.")
        self.set_subject(EDITION)
        self.set_lang("en-GB")
        self.set_margins(24, 26, 24)
        self.set_auto_page_break(True, margin=24)

    def header(self) -> None:
        """Draw the running header; the cover has none."""
        if self.page_no() == 1:
            return
        self.set_y(13)
        self.set_font(FONT, "", 8)
        self.set_text_color(GREY)
        self.cell(self.epw / 2, 5, TITLE)
        self.cell(self.epw / 2, 5, self.chapter_line, align="R")
        self.set_draw_color(200)
        self.line(self.l_margin, 19, self.w - self.r_margin, 19)
        self.set_text_color(0)
        self.set_y(26)

    def footer(self) -> None:
        """Draw the page number; page 1 is the cover, as in any viewer."""
        if self.page_no() == 1:
            return
        self.set_y(-15)
        self.set_font(FONT, "", 8)
        self.set_text_color(GREY)
        self.cell(0, 5, f"Page {self.page_no()}", align="C")
        self.set_text_color(0)

    def paragraph(self, text: str, *, indent: float = 0, marker: str = "") -> None:
        """Write one paragraph, with a bullet or number to its left if given."""
        self.set_font(FONT, "", BODY_SIZE)
        self.set_x(self.l_margin)
        if indent:
            self.cell(indent, LINE_HEIGHT, marker)
        self.multi_cell(0, LINE_HEIGHT, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def heading(self, text: str, size: float, level: int, space_after: float) -> None:
        """Write a heading, with room below it, and enter it in the outline."""
        if self.will_page_break(22):
            self.add_page()
        self.start_section(text, level=level)
        self.set_font(FONT, "B", size)
        self.multi_cell(0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(space_after)

    def block(self, block: Block) -> None:
        """Write one block of a section."""
        if isinstance(block, Text):
            self.paragraph(block.text)
        elif isinstance(block, Steps):
            for number, item in enumerate(block.items, start=1):
                self.paragraph(item, indent=7, marker=f"{number}.")
        elif isinstance(block, Bullets):
            for item in block.items:
                self.paragraph(item, indent=5, marker="-")
        elif isinstance(block, Command):
            self.set_font("Courier", "", 9.5)
            self.set_fill_color(243)
            for line in block.lines:
                self.cell(0, 6, f"  {line}", fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        else:
            self.grid(block)
        self.ln(2.6)

    def grid(self, grid: Grid) -> None:
        """Write a table with its caption above it."""
        self.set_font(FONT, "I", 9.5)
        self.set_fill_color(255)
        self.cell(0, 6, grid.caption, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(FONT, "", 9.5)
        with self.table(
            col_widths=grid.widths,
            line_height=6.4,
            text_align="LEFT",
            headings_style=FontFace(emphasis="BOLD", fill_color=(230, 236, 242)),
        ) as table:
            for cells in grid.rows:
                table.row(cells)

    def cover(self) -> None:
        """Write the cover page."""
        self.add_page()
        self.set_y(95)
        self.set_font(FONT, "B", 30)
        self.cell(0, 14, "Administrator's Guide", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(FONT, "", 18)
        self.cell(0, 11, "Kestrel Self-hosted", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(8)
        self.set_font(FONT, "", 11)
        for line in (EDITION, "Kestrel Works B.V., Utrecht", "Document KW-AG-72"):
            self.cell(0, 6.5, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def contents(self, pages: dict[str, int]) -> None:
        """Write the table of contents; ``pages`` maps each chapter to its first page."""
        self.add_page()
        self.set_font(FONT, "B", 18)
        self.cell(0, 10, "Contents", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(4)
        self.set_font(FONT, "", 11)
        for number, chapter in enumerate(CHAPTERS, start=1):
            self.cell(self.epw - 15, 8, f"{number}  {chapter.title}")
            page = str(pages.get(chapter.title, 0))
            self.cell(15, 8, page, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def render(pages: dict[str, int]) -> tuple[bytes, dict[str, int]]:
    """Return the finished PDF and the page on which each chapter begins."""
    guide = Guide()
    guide.cover()
    guide.contents(pages)
    starts: dict[str, int] = {}
    for number, chapter in enumerate(CHAPTERS, start=1):
        guide.chapter_line = f"Chapter {number}: {chapter.title}"
        guide.add_page()
        starts[chapter.title] = guide.page_no()
        guide.heading(f"{number} {chapter.title}", 20, 0, 4)
        for part, section in enumerate(chapter.sections, start=1):
            guide.heading(f"{number}.{part} {section.title}", 13.5, 1, 1.6)
            for block in section.blocks:
                guide.block(block)
            guide.ln(2)
    return bytes(guide.output()), starts


def build() -> bytes:
    """Return the PDF; a first pass finds the page numbers for the contents."""
    _, pages = render({})
    pdf, _ = render(pages)
    return pdf


def main() -> int:
    """Write the guide, or compare it with the committed file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    arguments = parser.parse_args()
    pdf = build()
    if arguments.check:
        same = OUTPUT.is_file() and OUTPUT.read_bytes() == pdf
        print("admin-guide.pdf is up to date" if same else "admin-guide.pdf differs")
        return 0 if same else 1
    OUTPUT.write_bytes(pdf)
    print(f"wrote {OUTPUT.name}: {len(pdf)} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

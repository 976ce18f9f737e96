//! The exact text of messages, and the schema's order of their elements.

use crate::given::{day, noon, order, payment, platform};
use bank::{
    Detail, Direction, Entry, Rail, Reason, Remittance, camt, pain002,
    pain002::{Status, Told},
    statement::Head,
};
use std::path::Path;
use types::Money;

fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let orders = [
        order(
            "B-BEPS",
            Rail::Beps,
            vec![payment("FQP1", 1_234_56, "6222020200001234"), payment("FQP2", 1, "6222020200005678")],
        ),
        order("B-HVPS", Rail::Hvps, vec![payment("FQP3", 5_000_000_00, "6222020200009012")]),
    ];
    let told = |id: &str, status, reason| Told {
        batch: "B-BEPS".into(),
        instruction: Some(format!("I-{id}")),
        end_to_end: id.into(),
        status,
        reason,
        bank_reference: Some("SIM000000001".into()),
        amount: Some(Money::cny(1_234_56)),
    };
    let report = pain002::Head {
        message: "pain002-000001".into(),
        created: noon(),
        original: "FQ20261121-1".into(),
        status: Some(Status::Partly),
        reason: Some(Reason::UNSPECIFIED),
        text: Some("部分受理".into()),
    };
    let head = Head {
        id: "STMT-2026-11-21".into(),
        sequence: Some(325),
        account: platform().account,
        days: Some((day(), day())),
        opening: Some(Money::cny(10_000_00)),
    };
    let detail = Detail {
        message: Some("FQ20261121-1".into()),
        batch: Some("B-BEPS".into()),
        instruction: Some("I-FQP1".into()),
        end_to_end: Some("FQP1".into()),
        amount: Some(Money::cny(1_234_56)),
        party: Some(crate::given::name("上海茶行")),
        party_account: Some(crate::given::account("6222020200001234")),
        remittance: Remittance {
            text: Some("结算款".into()),
            reference: Some("MCH1".into()),
            document: None,
        },
        returned: None,
    };
    let entry = |direction, detail| Entry {
        amount: Money::cny(1_234_56),
        direction,
        reversal: false,
        pending: false,
        booked: day(),
        value: day(),
        bank_reference: Some("SIM000000001".into()),
        details: vec![detail],
        text: Some("代付".into()),
    };
    let back = Detail { returned: Some(Reason::ACCOUNT_CLOSED), ..detail.clone() };
    let entries = [entry(Direction::Debit, detail), entry(Direction::Credit, back)];
    let notice = Head { opening: None, sequence: None, days: None, ..head.clone() };
    vec![
        ("pain001.xml", crate::pain::write(&orders)),
        (
            "pain002.xml",
            pain002::write(
                Vec::new(),
                &report,
                &[
                    told("FQP1", Status::Settled, None),
                    told("FQP2", Status::Rejected, Some(Reason::ACCOUNT_WRONG)),
                ],
            )
            .unwrap(),
        ),
        ("camt053.xml", camt::write(Vec::new(), "SIM-STMT-2026-11-21", noon(), &head, &entries).unwrap()),
        ("camt054.xml", camt::write(Vec::new(), "camt054-000002", noon(), &notice, &entries[1..]).unwrap()),
    ]
}

#[test]
fn messages_are_written_as_the_examples_show() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, bytes) in messages() {
        let path = folder.join(name);
        if std::env::var_os("FEIQIAN_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &bytes).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), golden, "{name}");
    }
}

/// The order of children in the schemas, of the elements that are written here.
const ORDER: &[(&str, &str)] = &[
    ("CstmrCdtTrfInitn", "GrpHdr PmtInf"),
    ("GrpHdr", "MsgId CreDtTm NbOfTxs CtrlSum InitgPty"),
    (
        "PmtInf",
        "PmtInfId PmtMtd BtchBookg NbOfTxs CtrlSum PmtTpInf ReqdExctnDt Dbtr DbtrAcct DbtrAgt UltmtDbtr ChrgBr CdtTrfTxInf",
    ),
    ("PmtTpInf", "InstrPrty SvcLvl LclInstrm CtgyPurp"),
    ("CdtTrfTxInf", "PmtId PmtTpInf Amt ChrgBr CdtrAgt Cdtr CdtrAcct UltmtCdtr Purp RmtInf"),
    ("PmtId", "InstrId EndToEndId UETR"),
    ("FinInstnId", "BICFI ClrSysMmbId LEI Nm"),
    ("ClrSysMmbId", "ClrSysId MmbId"),
    ("RmtInf", "Ustrd Strd"),
    ("Strd", "RfrdDocInf RfrdDocAmt CdtrRefInf"),
    ("CstmrPmtStsRpt", "GrpHdr OrgnlGrpInfAndSts OrgnlPmtInfAndSts"),
    ("OrgnlGrpInfAndSts", "OrgnlMsgId OrgnlMsgNmId OrgnlCreDtTm OrgnlNbOfTxs OrgnlCtrlSum GrpSts StsRsnInf"),
    (
        "OrgnlPmtInfAndSts",
        "OrgnlPmtInfId OrgnlNbOfTxs OrgnlCtrlSum PmtInfSts StsRsnInf NbOfTxsPerSts TxInfAndSts",
    ),
    (
        "TxInfAndSts",
        "StsId OrgnlInstrId OrgnlEndToEndId OrgnlUETR TxSts StsRsnInf ChrgsInf AccptncDtTm AcctSvcrRef ClrSysRef OrgnlTxRef",
    ),
    ("StsRsnInf", "Orgtr Rsn AddtlInf"),
    ("BkToCstmrStmt", "GrpHdr Stmt"),
    ("BkToCstmrDbtCdtNtfctn", "GrpHdr Ntfctn"),
    (
        "Stmt",
        "Id StmtPgntn ElctrncSeqNb LglSeqNb CreDtTm FrToDt CpyDplctInd Acct Bal TxsSummry Ntry AddtlStmtInf",
    ),
    (
        "Ntfctn",
        "Id NtfctnPgntn ElctrncSeqNb LglSeqNb CreDtTm FrToDt CpyDplctInd Acct TxsSummry Ntry AddtlNtfctnInf",
    ),
    ("FrToDt", "FrDtTm ToDtTm"),
    ("Acct", "Id Tp Ccy Nm Ownr Svcr"),
    ("Bal", "Tp CdtLine Amt CdtDbtInd Dt Avlbty"),
    (
        "Ntry",
        "NtryRef Amt CdtDbtInd RvslInd Sts BookgDt ValDt AcctSvcrRef Avlbty BkTxCd AmtDtls Chrgs NtryDtls AddtlNtryInf",
    ),
    ("Domn", "Cd Fmly"),
    ("Fmly", "Cd SubFmlyCd"),
    (
        "TxDtls",
        "Refs Amt CdtDbtInd AmtDtls BkTxCd RltdPties RltdAgts LclInstrm Purp RmtInf RltdDts Tax RtrInf",
    ),
    ("Refs", "MsgId AcctSvcrRef PmtInfId InstrId EndToEndId UETR TxId"),
    ("RltdPties", "InitgPty Dbtr DbtrAcct UltmtDbtr Cdtr CdtrAcct UltmtCdtr"),
];

/// Checks a written message line by line; writers put one tag a line.
#[test]
fn elements_stand_in_the_order_of_the_schema() {
    let mut checked = 0;
    for (name, bytes) in messages() {
        let text = String::from_utf8(bytes).unwrap();
        let mut open: Vec<(String, usize)> = Vec::new();
        for line in text.lines().skip(1).map(str::trim) {
            if let Some(closed) = line.strip_prefix("</") {
                assert_eq!(open.pop().unwrap().0, closed.trim_end_matches('>'));
                continue;
            }
            let tag: String = line[1..].chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
            if let Some((parent, place)) = open.last_mut() {
                let order = ORDER.iter().find(|(name, _)| name == parent).map(|(_, order)| *order);
                // Elements not in the table hold one child at most, or their text.
                if let Some(order) = order {
                    let at = order.split(' ').position(|child| child == tag);
                    let at = at.unwrap_or_else(|| panic!("{name}: {tag} is no child of {parent}"));
                    assert!(at >= *place, "{name}: {tag} stands too late in {parent}");
                    *place = at;
                    checked += 1;
                }
            }
            if !line.contains("</") {
                open.push((tag, 0));
            }
        }
        assert!(open.is_empty());
    }
    assert!(checked > 150, "{checked}");
}

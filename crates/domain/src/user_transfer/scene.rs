//! Scenes of transfers: what a merchant may transfer money for, what it has to report, what the user is told.
//!
//! The one table. Ids, types and texts are those that the product's introduction gives for `transfer_scene_id`,
//! `transfer_scene_report_infos` and `user_recv_perception` (wire §8.1); the texts are part of the wire and are compared
//! as they are. Scene 1006 is known from the older product only, where nothing is reported.

/// A scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// `transfer_scene_id`.
    pub id: u16,
    /// Its name in Chinese.
    pub name: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// Types of information that a transfer has to carry, each once; empty for none that is known.
    pub reports: &'static [&'static str],
    /// What the user may be told it is; the first when the merchant says nothing.
    pub perceptions: &'static [&'static str],
}

/// Every scene, by id.
pub const SCENES: [Scene; 9] = [
    Scene {
        id: 1000,
        name: "现金营销",
        name_en: "cash marketing",
        reports: &["活动名称", "奖励说明"],
        perceptions: &["活动奖励", "现金奖励"],
    },
    Scene {
        id: 1002,
        name: "行政补贴",
        name_en: "administrative subsidy",
        reports: &["补贴类型"],
        perceptions: &["行政补贴", "行政奖励"],
    },
    Scene {
        id: 1004,
        name: "保险理赔",
        name_en: "insurance claim",
        reports: &["保险产品备案编号", "保险名称", "保险操作单号"],
        perceptions: &["保险理赔款"],
    },
    Scene {
        id: 1005,
        name: "佣金报酬",
        name_en: "commission",
        reports: &["岗位类型", "报酬说明"],
        perceptions: &["劳务报酬", "报销款", "企业补贴", "开工利是"],
    },
    Scene {
        id: 1006, name: "企业报销", name_en: "reimbursement", reports: &[], perceptions: &["报销款"]
    },
    Scene {
        id: 1009,
        name: "采购货款",
        name_en: "purchase of goods",
        reports: &["采购商品名称"],
        perceptions: &["货款"],
    },
    Scene {
        id: 1010,
        name: "二手回收",
        name_en: "second-hand goods",
        reports: &["回收商品名称"],
        perceptions: &["二手回收货款"],
    },
    Scene {
        id: 1011,
        name: "企业赔付",
        name_en: "compensation",
        reports: &["赔付原因"],
        perceptions: &["退款", "商家赔付"],
    },
    Scene {
        id: 1013,
        name: "公益补助",
        name_en: "charity",
        reports: &["公益活动名称", "公益活动备案编号"],
        perceptions: &["公益补助金"],
    },
];

/// The scene of an id.
#[must_use]
pub fn find(id: u16) -> Option<&'static Scene> {
    SCENES.iter().find(|scene| scene.id == id)
}

impl Scene {
    /// Whether these types of information are the scene's, each once, in any order.
    #[must_use]
    pub fn takes(&self, types: &[&str]) -> bool {
        self.reports.is_empty()
            || types.len() == self.reports.len() && self.reports.iter().all(|wanted| types.contains(wanted))
    }
    /// What the user is told when the merchant says `perception`; none when the scene has no such text.
    #[must_use]
    pub fn told(&self, perception: &str) -> Option<&'static str> {
        if perception.is_empty() {
            return self.perceptions.first().copied();
        }
        self.perceptions.iter().find(|known| **known == perception).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_takes_its_own_reports_each_once() {
        let marketing = find(1000).unwrap();
        for (types, takes) in [
            (&["活动名称", "奖励说明"][..], true),
            (&["奖励说明", "活动名称"], true),
            (&["活动名称"], false),
            (&["活动名称", "活动名称"], false),
            (&["活动名称", "奖励说明", "岗位类型"], false),
            (&[], false),
        ] {
            assert_eq!(marketing.takes(types), takes, "{types:?}");
        }
        assert!(find(1006).unwrap().takes(&[]));
        assert_eq!(marketing.told(""), Some("活动奖励"));
        assert_eq!(marketing.told("现金奖励"), Some("现金奖励"));
        assert_eq!(marketing.told("劳务报酬"), None);
        assert_eq!(find(999), None);
        assert!(SCENES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}

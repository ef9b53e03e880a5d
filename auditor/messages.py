"""Words of reports in both languages; the texts of rules stand in the rules' own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.findings import Text, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERDICTS = {
    Verdict.FAIL: Text("fail", "疑似不符合（待核查）"),
    Verdict.ERROR: Text("error", "规则出错"),
    Verdict.NOT_CHECKED: Text("not checked", "未检查"),
    Verdict.INCONCLUSIVE: Text("inconclusive", "无法判定"),
    Verdict.PASS: Text("pass", "符合"),
    Verdict.NOT_APPLICABLE: Text("not applicable", "不适用"),
    Verdict.MANUAL: Text("manual", "需人工核查"),
}
BASES = {
    "circular": Text("Circular 107", "107号文"),
    "related_law": Text("related law, advisory", "相关法规（提示）"),
    "policy": Text("auditor policy", "审计政策"),
}
SEVERITIES = {
    "critical": Text("critical", "严重"),
    "high": Text("high", "高"),
    "medium": Text("medium", "中"),
    "low": Text("low", "低"),
    "info": Text("info", "提示"),
}
DECLARED_ONLY = Text("pass (declared only)", "符合（仅据申报）")
LABELS = {
    "as_of": Text("as of {day}", "截至 {day}"),
    "headline": Text(
        "Findings that fail: {fails}; undecided: {undecided}; clauses passed: {passed}; "
        "clauses that need a person: {manual}.",
        "疑似不符合 {fails} 项，无法判定 {undecided} 项；符合条款 {passed} 条；需人工核查条款 {manual} 条。",
    ),
    "partial": Text("Only some rules were run.", "仅执行了部分规则。"),
    "path": Text("path", "路径"),
    "seen": Text("seen", "观测"),
    "clause": Text("clause", "条款"),
    "do": Text("next", "下一步"),
    "handoff": Text("{count} subjects by {where}", "经 {where}，共 {count} 个对象"),
    "example": Text("e.g.", "例如"),
    "more": Text("and {count} more", "另有 {count} 个"),
    "passed": Text("Holds", "符合"),
    "not_applicable": Text("Does not apply", "不适用"),
    "manual": Text(
        "A person must look at (auditor explain CLAUSE)", "需人工核查的条款（详见 auditor explain 条款）"
    ),
    "unused": Text("Not used", "未使用的输入"),
    "note": Text("Note", "读取说明"),
    "lost": Text("Lost", "未能转换"),
    "converted": Text(
        "{nodes:,} nodes, {links:,} links; lost in writing: {lost:,}",
        "节点 {nodes:,} 个，链路 {links:,} 条；写出时丢失 {lost:,} 项",
    ),
    "unnamed": Text(
        "Nobody says whose network this is: no records were written; give --operator, or fill in the name.",
        "未说明该网络属于哪家企业，故未写入企业信息；请用 --operator 指定，或补填企业名称。",
    ),
    "zones": Text("Zones", "区域边界数据"),
    "own_zones": Text("Zones of your own", "自备区域边界"),
    "sources": Text("Observations", "观测数据来源"),
    "answers": Text("answers: {count}", "有应答：{count}"),
    "written": Text("{count} observations written to {file}", "已写入 {count} 条观测：{file}"),
    "other_data": Text(
        "{title}: the data that answered (SHA-256 {digest}) is not the data that is here",
        "{title}：当时应答的数据（SHA-256 {digest}）与现有数据不同",
    ),
    "no_raw": Text("missing: no raw answer {digest}", "缺失：未找到原始应答 {digest}"),
    "changed_raw": Text(
        "changed: raw answer {digest} has other content", "已改动：原始应答 {digest} 内容不符"
    ),
    "verified": Text("{count} digests hold; {broken} do not", "{count} 个摘要相符，{broken} 个不符"),
    "facts": Text(
        "A fail is a suspicion until verified; the declared links permit a path, routing may differ.",
        "“疑似不符合”须经核查确认；路径依据申报链路得出，实际路由可能不同。",
    ),
}


def label(name: str, lang: str, **args: object) -> str:
    """Give a label in one language, its placeholders filled."""
    return LABELS[name].in_(lang).format(**args)


SAYS = {
    "support": Text("supports", "支持"),
    "contradict": Text("contradicts", "矛盾"),
    "nothing": Text("decides nothing", "不足以判断"),
    "void": Text("does not count", "不予采信"),
}
RELATIONS = {
    "within": Text("within", "在内"),
    "outside": Text("outside", "在外"),
    "straddling": Text("straddling", "跨界"),
    "undecided": Text("undecided", "归属未定"),
    "unknown": Text("unknown", "未知"),
}
EXTENTS = {
    "district": Text("district", "区县"),
    "city": Text("city", "城市"),
    "province": Text("province", "省份"),
    "country": Text("country", "国家/地区"),
    "disc": Text(
        "within {km:,.0f} km of {lon:.3f}, {lat:.3f}", "距 {lon:.3f}, {lat:.3f} 不超过 {km:,.0f} 公里"
    ),
    "none": Text("no place", "无位置"),
}
ANSWERS = {
    "name": Text("names and addresses", "域名与地址"),
    "path": Text("a path", "路径"),
    "holder": Text("no name", "未给出名称"),
    "origin": Text("announced", "已通告"),
}
OUTCOMES = {
    "unknown": Text("does not know", "不掌握"),
    "no_record": Text("has no record", "无记录"),
    "refused": Text("refused", "拒绝应答"),
    "unavailable": Text("could not be reached", "无法访问"),
    "malformed": Text("answered with what cannot be read", "应答无法解析"),
    "reserved": Text("no public address", "非公网地址"),
}


def weightiest(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Order observations for people: what contradicts first, what was not answered last."""
    rank = {"contradict": 0, "support": 1, "void": 2, "nothing": 4}

    def key(record: Mapping[str, Any]) -> tuple[bool, int]:
        return record["outcome"] != "answer", rank.get(record.get("says", ""), 3)

    return sorted(records, key=key)


def observation_line(record: Mapping[str, Any], lang: str) -> str:
    """Write one observation of a finding on a line: who, about what, said what, and what it counts.

    Examples
    --------
    >>> record = {"source": "dbip", "asked": "192.0.2.1", "kind": "place", "outcome": "answer",
    ...           "extent": "city", "region": "330100", "name": {"en": "Hangzhou", "zh": "杭州市"},
    ...           "says": "contradict", "weight": 0.083, "why": {"en": "", "zh": ""},
    ...           "vintage_on": "2026-06-05"}
    >>> observation_line(record, "en")
    'dbip on 192.0.2.1: city Hangzhou (330100); contradicts, 1:12; data of 2026-06-05'
    """
    comma = "；" if lang == "zh" else "; "
    who = (
        f"{record['source']} 对 {record['asked']}："
        if lang == "zh"
        else f"{record['source']} on {record['asked']}: "
    )
    parts = [_said(record, lang)]
    if "says" in record:
        ratio = record.get("weight")
        odds = "" if not ratio else f"{ratio:.0f}:1" if ratio >= 1 else f"1:{1 / ratio:.0f}"
        parts.append(", ".join(filter(None, (SAYS[record["says"]].in_(lang), odds, record["why"][lang]))))
    if record.get("vintage_on"):
        parts.append(f"{'数据日期' if lang == 'zh' else 'data of'} {record['vintage_on']}")
    if record.get("note"):
        parts.append(str(record["note"]))
    return who + comma.join(filter(None, parts))


def _said(record: Mapping[str, Any], lang: str) -> str:
    if record["outcome"] != "answer":
        return OUTCOMES[record["outcome"]].in_(lang)
    if record["kind"] == "place":
        extent, name = record.get("extent", "none"), record.get("name")
        if extent == "disc":
            return (
                EXTENTS["disc"]
                .in_(lang)
                .format(km=record["radius_m"] / 1000, lon=record["lon"], lat=record["lat"])
            )
        where = f" {name[lang]} ({record['region']})" if name else ""
        return EXTENTS[extent].in_(lang) + where
    asn = f"AS{record['asn']}" if record.get("asn") else ""
    said = " ".join(filter(None, (asn, record.get("owner", ""), record.get("prefix", ""))))
    return said or ANSWERS[record["kind"]].in_(lang)

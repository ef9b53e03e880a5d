"""Words of reports in both languages; the texts of rules stand in the rules' own files."""

from __future__ import annotations

from auditor.findings import Text, Verdict

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
    "zones": Text("Zones", "区域边界数据"),
    "own_zones": Text("Zones of your own", "自备区域边界"),
    "facts": Text(
        "A fail is a suspicion until verified; the declared links permit a path, routing may differ.",
        "“疑似不符合”须经核查确认；路径依据申报链路得出，实际路由可能不同。",
    ),
}


def label(name: str, lang: str, **args: object) -> str:
    """Give a label in one language, its placeholders filled."""
    return LABELS[name].in_(lang).format(**args)

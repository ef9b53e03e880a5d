"""`auditor init`: a commented declaration to start from."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.language import say

TOML = """\
# Declaration of one operator / 企业申报材料
# Check it / 检查：auditor check .     All keys / 全部字段：auditor schema declaration
# A key left out means "unknown", never "none". / 未填写的字段一律视为“未知”，而不是“无”。
schema = "auditor.declaration/1"
declared_on = 2026-10-01              # date of this declaration / 申报日期
approvals_complete = false            # true: there are no others / true 表示别无其他批复、许可
# reports_complete = true             # all reports are listed below / 已报送信息均已列入

[operator]                            # the enterprise audited / 被审计企业
name = "Example Lingang Data Co., Ltd."
# uscc = "…"                          # 统一社会信用代码; its checksum is verified / 校验位须正确
nature = "foreign_invested"           # or domestic / 外资 foreign_invested，内资 domestic
foreign_share = 1.0                   # 0.5 is 50 % / 外资股比，0.5 即 50%
pilot_area = "shanghai"               # a claim; domicile and approvals decide / 仅为自述，以注册地和批复为准

[[operator.domiciles]]                # registered address; add one block a period / 注册地址，每段时期一块
address = "上海市浦东新区（示例）"
region_code = "310115"                # 行政区划代码 (GB/T 2260)
lon = 121.90
lat = 30.90
datum = "WGS84"                       # WGS84 CGCS2000 GCJ-02 BD-09 unknown / 坐标系
accuracy_m = 50                       # metres / 精度（米）
grade = "E3"                          # E1 authority record, E2 contract or title, E3 declared / 证据等级
# document = "business-licence.pdf"   # a file in this folder / 放在本文件夹内的证明文件

[[approvals]]                         # pilot replies and licences / 试点批复与许可证
kind = "pilot_reply"                  # or licence / 批复 pilot_reply，许可证 licence
number = "EXAMPLE-1"
holder = "Example Lingang Data Co., Ltd."
area = "shanghai"
services = ["B14"]                    # codes of the catalogue / 电信业务分类目录代码
issued_on = 2025-02-26
status = "valid"                      # valid expired withdrawn revoked cancelled invalid

[[services]]                          # services on offer / 已开展业务
code = "B14"
regime = "pilot107"                   # on what ground / 依据的制度
scope = ["shanghai"]                  # or ["CN"] / 业务覆盖范围
regime_from_on = 2025-04-01
content = []                          # [] states "none"; leave out if unknown / [] 表示“无”，未知则删去本行

# [[contracts]]                       # leased or bought / 租用、购买
# kind = "cdn"                        # cdn acceleration colocation bandwidth ip cloud onward_lease
# supplier = "…"
# service = "B12"
# node_ids = ["cdn-7"]

# [[registrations]]                   # business registry / 市场主体登记（营业执照）记录
# name = "…"
# uscc = "…"
# address = "上海市浦东新区（示例）"
# region_code = "310115"
# scope = "第一类增值电信业务；…"     # wording of the scope of business / 经营范围原文
# status = "active"                   # active moved_out revoked cancelled suspended unknown
# retrieved_on = 2026-10-01           # day on which the record was read / 查询日期

# [[reports]]                         # reports to the administration / 向通信管理局报送的信息
# kind = "annual"                     # annual change opening incident other
# period = "2025"
# due_on = 2026-03-31
# submitted_on = 2026-03-20
# state = "accepted"                  # draft submitted in_review accepted rejected

# [[notices]]                         # two-way notification / 双向告知
# event = "licensed"                  # registered changed moved_out licensed revoked cancelled other
# sender = "…"
# receiver = "…"
# sent_on = 2025-02-27
# acknowledged_on = 2025-03-03

# [[wind_down]]                       # end of a service / 业务退出与存量用户处置
# service = "B14"
# notice_on = 2026-05-01              # day of notice / 告知日期
# stop_on = 2026-08-01                # last users taken on before / 停止日期
# deadline_on = 2026-12-31            # users to be dealt with by / 处置截止日期
# users = 1000                        # on stop_on; then migrated, left, refunded / 停止之日存量用户
# migrated = 700
# new_users = 0                       # taken on since stop_on / 停止后新增用户

# [[referrals]]                       # cases handed to another authority / 案件移送
# sender = "…"
# receiver = "…"
# rule = "PILOT-FAC-01"
# status = "sent"                     # sent accepted returned closed

[network]
nodes = "nodes.csv"                   # .csv (UTF-8) or .parquet
links = "links.csv"
complete = false                      # true: nothing is left out / true 表示网络已完整申报、无遗漏
"""

NODES = """\
id,kind,name,owner,holding,services,site,lon,lat,datum,accuracy_m,region_code,grade,status
dc-1,data_centre,Lingang data centre 临港机房,operator,own,,,121.90,30.90,WGS84,20,310115,E3,active
r-1,router,Core router 核心路由器,operator,own,B14,dc-1,,,,,,,active
bng-1,bng,Carrier access equipment 电信接入设备,中国电信,,,,121.70,31.10,WGS84,20,310115,E3,active
inet-1,egress,Carrier egress 电信国际出口,中国电信,,,,,,,,310115,E3,active
sub-1,subscriber,Example subscriber 示例用户,customer,,B14,,121.75,31.05,WGS84,50,310115,E3,active
"""

LINKS = """\
source,target,kind,owner,direction,status
sub-1,r-1,access,operator,both,active
r-1,bng-1,leased_line,中国电信,both,active
bng-1,inet-1,transit,中国电信,both,active
"""

FILES = {"declaration.toml": TOML, "nodes.csv": NODES, "links.csv": LINKS}


@click.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="DIR|FILE.xlsx")
def command(target: Path) -> None:
    """Write a commented declaration, ready to be filled in: into the folder DIR, or as one workbook.

    Existing files are never overwritten.
    """
    from auditor.errors import UsageError
    from auditor.files import reason_of

    as_book = target.suffix.lower() == ".xlsx"
    taken = [name for name in FILES if (target / name).exists()]
    if as_book and target.exists():
        raise UsageError(say("{target} is there already", target=target))
    if taken or target.is_file():
        held = say("{target} already holds {taken}", target=target, taken=taken)
        raise UsageError(held if taken else say("{target} is a file", target=target))
    try:
        if as_book:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(workbook())
        else:
            write_folder(target)
    except OSError as error:
        told = say("{target} cannot be written: {why}", target=target, why=reason_of(error))
        raise UsageError(told) from error
    click.echo(str(target) if as_book else f"{target}: {', '.join(FILES)}", err=True)


def write_folder(target: Path) -> None:
    """Write the template as a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (target / name).write_text(text, encoding="utf-8")


def workbook() -> bytes:
    """Give the template as a workbook: what the folder holds, and blank sheets for the rest."""
    from tempfile import TemporaryDirectory

    from auditor.governance import LISTS
    from auditor.readers import read_declaration
    from auditor.writers import content_of
    from auditor.writers.xlsx import bytes_of, tables_of

    with TemporaryDirectory() as folder:
        write_folder(Path(folder))
        tables = tables_of(content_of(read_declaration(folder)))
    for link in tables["links"]:
        del link["id"]  # made of its ends
    return bytes_of({**{name: [] for name in (*LISTS, "prefixes")}, **tables})

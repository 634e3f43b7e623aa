"""Why something received did not become a sample: a closed set, as the ledger and dead letters name it."""

from enum import StrEnum

from facility.text import Text


class Cause(StrEnum):
    """The cause of a rejection; its value is what is stored, counted and exported."""

    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_SIGNAL = "unknown_signal"
    BAD_JSON = "bad_json"
    BAD_LINE = "bad_line"
    BAD_ROW = "bad_row"
    MISSING_TIME = "missing_time"
    NAIVE_TIME = "naive_time"
    BAD_TIME = "bad_time"
    AMBIGUOUS_TIME = "ambiguous_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    MISSING_VALUE = "missing_value"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    UNKNOWN_STATE = "unknown_state"
    UNKNOWN_QUALITY = "unknown_quality"
    OVERSIZED = "oversized"
    UNSTORABLE = "unstorable"
    WAITED = "waited"
    PROCESSING_FAILED = "processing_failed"
    REFUSED_BY_STORE = "refused_by_store"

    @property
    def words(self) -> Text:
        """What it means, for people."""
        return _WORDS[self]


_WORDS = {
    Cause.UNKNOWN_TOPIC: Text(en="a topic that no signal is mapped to", ja="信号に割り当てのないトピック"),
    Cause.UNKNOWN_SIGNAL: Text(en="a signal that the facility does not have", ja="施設に存在しない信号"),
    Cause.BAD_JSON: Text(en="not the JSON of a sample", ja="サンプルとして読めないJSON"),
    Cause.BAD_LINE: Text(en="not a line of line protocol", ja="読めないラインプロトコル"),
    Cause.BAD_ROW: Text(en="a row of a file that cannot be read", ja="読めないファイルの行"),
    Cause.MISSING_TIME: Text(en="no time stamp", ja="時刻なし"),
    Cause.NAIVE_TIME: Text(en="a time without offset from UTC", ja="UTCとの時差が示されていない時刻"),
    Cause.BAD_TIME: Text(en="a time that cannot be read", ja="読めない時刻"),
    Cause.AMBIGUOUS_TIME: Text(
        en="a local time that happens twice, not in order of time", ja="時計の切り替えで二度現れる時刻で、順序も不明"
    ),
    Cause.TIME_OUT_OF_RANGE: Text(en="a time outside the years 1678 to 2261", ja="1678〜2261年の範囲外の時刻"),
    Cause.MISSING_VALUE: Text(en="no value, and not marked bad", ja="値がなく、badでもない"),
    Cause.WRONG_TYPE: Text(en="a value of another type than the signal's", ja="信号と異なる型の値"),
    Cause.NOT_FINITE: Text(en="NaN or infinite", ja="NaNまたは無限大"),
    Cause.UNKNOWN_STATE: Text(en="a state that the signal does not have", ja="信号にない状態"),
    Cause.UNKNOWN_QUALITY: Text(en="a quality other than good, uncertain, bad", ja="good・uncertain・bad以外の品質"),
    Cause.OVERSIZED: Text(en="a payload over the size limit", ja="サイズ上限を超えたペイロード"),
    Cause.UNSTORABLE: Text(en="a word that the stores cannot hold", ja="保存できない文字列"),
    Cause.WAITED: Text(en="a value without time that waited at the broker", ja="時刻がなくブローカーに滞留した値"),
    Cause.PROCESSING_FAILED: Text(en="kado itself failed on it; see the log", ja="処理中の内部エラー（ログを参照）"),
    Cause.REFUSED_BY_STORE: Text(en="a point that InfluxDB refuses, though it takes others", ja="InfluxDBが拒否した点"),
}

_OTHER_WORDS = {
    "session_lost": Text(
        en="the broker had no session of kado's any more: what it kept is gone",
        ja="ブローカー側にkadoのセッションがなく、滞留していたメッセージは失われた",
    ),
    "not_replayable": Text(
        en="the source does not deliver again what it sent while kado was away",
        ja="kadoの停止中のデータを再送できない信号源",
    ),
    "overflow": Text(en="they came faster than they could be taken", ja="受信が処理を上回り取りこぼした"),
    "disk": Text(en="the disk lost what it had acknowledged", ja="書き込み済みのデータをディスクが失った"),
    "corrupt_blob": Text(
        en="what waited on the disk for InfluxDB was damaged", ja="InfluxDBへの転送待ちデータがディスク上で破損"
    ),
    "beyond_retention": Text(
        en="older than the bucket of InfluxDB keeps samples", ja="InfluxDBのバケットの保存期間より古い"
    ),
    "bucket_retention": Text(
        en="deleted by the retention of the bucket of InfluxDB", ja="InfluxDBのバケットの保存期間により削除"
    ),
}
"""Reasons of gaps, and causes of drops and losses, as sources and stores call them."""


def words_of(cause: str) -> Text | None:
    """Return what a cause of a rejection, a drop or a loss means, or the reason of a gap; None for one of no name."""
    return Cause(cause).words if cause in set(Cause) else _OTHER_WORDS.get(cause)

"""The OpenTelemetry SDK with its HTTP exporter against a pipeline: otlp.py ENDPOINT TOKEN"""

import sys
import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

endpoint, token = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}"}
for compression in (Compression.NoCompression, Compression.Gzip):
    exporter = OTLPLogExporter(endpoint=endpoint, headers=headers, compression=compression)
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("test")
    for number in range(300):
        record = LogRecord(
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            body=f"{compression.value} {number}",
            attributes={"number": number, "list": ["a", "b"], "flag": True},
        )
        logger.emit(record)
    assert provider.force_flush()
    provider.shutdown()

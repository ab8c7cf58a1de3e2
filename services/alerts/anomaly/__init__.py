"""What a metric is expected to be, and how rare what came is. Pure."""

from services.alerts.anomaly.detector import Detector, Outcome, Verdict, detect

__all__ = ["Detector", "Outcome", "Verdict", "detect"]

"""Was that the right person?"""

from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import NotFound
from rollcall.core.feedback import Feedback, FeedbackCounter, Judgement, judge


class TakeFeedback:
    """Keeps what people say of an answer, and counts it once."""

    def __init__(self, *, database: Database, counter: FeedbackCounter) -> None:
        self._database = database
        self._counter = counter

    async def run(self, feedback: Feedback) -> Judgement:
        """Store the feedback; the last word counts. What is new is counted when it is committed.

        Raises:
            NotFound: there is no such recognition, or none any more.
            InvalidRequest: a person is said to have been recognised who was not.
        """

        def write(records: Records) -> Judgement:
            faces = records.recognitions.take(feedback.recognition_id)
            if not faces:
                raise NotFound("There is no recognition of this recognition_id, or none any more.")
            judgement = judge(faces, feedback)
            records.recognitions.store(feedback.recognition_id, judgement)
            return judgement

        judgement = await self._database.run(write)
        for judged in judgement.judged:
            if judged.is_news:
                self._counter.feedback(judged.model, judged.outcome)
        return judgement

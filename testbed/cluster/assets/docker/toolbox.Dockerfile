# Python with a few packages and source folders: the fake engine, load clients and the like.
ARG BASE_IMAGE
FROM $BASE_IMAGE
COPY wheels/ /wheels/
RUN python3 -m venv /opt/toolbox \
 && /opt/toolbox/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl
COPY sources/ /opt/toolbox/sources/
ENV PYTHONPATH=/opt/toolbox/sources PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/toolbox/bin:/usr/local/bin:/usr/bin:/bin
USER 65532:65532
ENTRYPOINT ["/opt/toolbox/bin/python"]

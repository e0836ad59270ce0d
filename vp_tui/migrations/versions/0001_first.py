"""The first schema: runs, their events, strata, sequences, samples and alerts.

Revision: 0001

The statements are frozen text: later changes to core/store/tables.py must not change the past.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """CREATE TABLE run (
        id INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        name TEXT,
        status TEXT NOT NULL,
        status_reason TEXT,
        error_type TEXT,
        exit_code INTEGER,
        phase TEXT DEFAULT '' NOT NULL,
        model TEXT NOT NULL,
        input TEXT NOT NULL,
        precision TEXT NOT NULL,
        precision_reason TEXT,
        reference TEXT NOT NULL,
        config_json TEXT NOT NULL,
        dataset_json TEXT,
        model_json TEXT,
        environment_json TEXT,
        device TEXT,
        done INTEGER DEFAULT 0 NOT NULL,
        total INTEGER DEFAULT 0 NOT NULL,
        eta_s REAL,
        verdict TEXT,
        sentence TEXT,
        speed_verdict TEXT,
        speedup REAL,
        end_to_end_speedup REAL,
        findings_json TEXT,
        arms_json TEXT,
        speedup_json TEXT,
        measures_json TEXT,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        worker_pid INTEGER,
        worker_start_ticks INTEGER,
        created_at_us INTEGER NOT NULL,
        started_at_us INTEGER,
        heartbeat_at_us INTEGER,
        ended_at_us INTEGER,
        CONSTRAINT pk_run PRIMARY KEY (id),
        CONSTRAINT ck_run_status CHECK (status IN ('queued', 'starting', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
        CONSTRAINT ck_run_ended_when_terminal CHECK ((status IN ('completed', 'failed', 'cancelled', 'interrupted')) = (ended_at_us IS NOT NULL)),
        CONSTRAINT ck_run_done_within_total CHECK (done <= total),
        CONSTRAINT ck_run_verdict CHECK (verdict IN ('PASS', 'WARN', 'FAIL', 'INVALID')),
        CONSTRAINT ck_run_config_json_is_json CHECK (config_json IS NULL OR json_valid(config_json)),
        CONSTRAINT ck_run_dataset_json_is_json CHECK (dataset_json IS NULL OR json_valid(dataset_json)),
        CONSTRAINT ck_run_model_json_is_json CHECK (model_json IS NULL OR json_valid(model_json)),
        CONSTRAINT ck_run_environment_json_is_json CHECK (environment_json IS NULL OR json_valid(environment_json)),
        CONSTRAINT ck_run_findings_json_is_json CHECK (findings_json IS NULL OR json_valid(findings_json)),
        CONSTRAINT ck_run_arms_json_is_json CHECK (arms_json IS NULL OR json_valid(arms_json)),
        CONSTRAINT ck_run_speedup_json_is_json CHECK (speedup_json IS NULL OR json_valid(speedup_json)),
        CONSTRAINT ck_run_measures_json_is_json CHECK (measures_json IS NULL OR json_valid(measures_json)),
        CONSTRAINT uq_run_uuid UNIQUE (uuid)
    )
     STRICT""",
    "CREATE INDEX ix_run_name ON run (name)",
    "CREATE INDEX ix_run_status ON run (status)",
    """CREATE TABLE alert (
        id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        kind TEXT NOT NULL,
        severity TEXT NOT NULL,
        message TEXT NOT NULL,
        stratum TEXT,
        seq_idx INTEGER,
        sequence_id TEXT,
        block INTEGER,
        pack INTEGER,
        CONSTRAINT pk_alert PRIMARY KEY (id),
        CONSTRAINT ck_alert_severity CHECK (severity IN ('info', 'warn', 'fail')),
        CONSTRAINT fk_alert_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT""",
    "CREATE INDEX ix_alert_run_id_id ON alert (run_id, id)",
    """CREATE TABLE block_sample (
        id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        block INTEGER NOT NULL,
        arm TEXT NOT NULL,
        stratum TEXT NOT NULL,
        sequences INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        encode_s REAL NOT NULL,
        wall_s REAL NOT NULL,
        is_warmup INTEGER NOT NULL,
        CONSTRAINT pk_block_sample PRIMARY KEY (id),
        CONSTRAINT ck_block_sample_arm CHECK (arm IN ('reference', 'candidate')),
        CONSTRAINT fk_block_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT""",
    "CREATE INDEX ix_block_sample_run_id_id ON block_sample (run_id, id)",
    """CREATE TABLE gpu_sample (
        id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        utilization REAL,
        memory_used_mib REAL,
        memory_total_mib REAL,
        power_w REAL,
        power_limit_w REAL,
        sm_clock_mhz REAL,
        temperature_c REAL,
        throttle_reasons INTEGER NOT NULL,
        CONSTRAINT pk_gpu_sample PRIMARY KEY (id),
        CONSTRAINT fk_gpu_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT""",
    "CREATE INDEX ix_gpu_sample_run_id_id ON gpu_sample (run_id, id)",
    """CREATE TABLE run_event (
        id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        from_status TEXT,
        to_status TEXT NOT NULL,
        actor TEXT NOT NULL,
        reason TEXT,
        CONSTRAINT pk_run_event PRIMARY KEY (id),
        CONSTRAINT fk_run_event_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT""",
    "CREATE INDEX ix_run_event_run_id_id ON run_event (run_id, id)",
    """CREATE TABLE run_tag (
        run_id INTEGER NOT NULL,
        "key" TEXT NOT NULL,
        value TEXT NOT NULL,
        CONSTRAINT pk_run_tag PRIMARY KEY (run_id, "key"),
        CONSTRAINT fk_run_tag_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT""",
    'CREATE INDEX ix_run_tag_key_value ON run_tag ("key", value)',
    """CREATE TABLE sequence_result (
        run_id INTEGER NOT NULL,
        seq_idx INTEGER NOT NULL,
        sequence_id TEXT NOT NULL,
        stratum TEXT NOT NULL,
        num_tokens INTEGER NOT NULL,
        cosine REAL,
        relative_l2 REAL,
        norm_ratio REAL,
        nan_count INTEGER NOT NULL,
        inf_count INTEGER NOT NULL,
        CONSTRAINT pk_sequence_result PRIMARY KEY (run_id, seq_idx),
        CONSTRAINT ck_sequence_result_cosine CHECK (cosine BETWEEN -1.0001 AND 1.0001),
        CONSTRAINT fk_sequence_result_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT""",
    """CREATE TABLE similarity_sample (
        id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        block INTEGER NOT NULL,
        stratum TEXT NOT NULL,
        sequences INTEGER NOT NULL,
        cosine_min REAL,
        cosine_median REAL,
        CONSTRAINT pk_similarity_sample PRIMARY KEY (id),
        CONSTRAINT fk_similarity_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT""",
    "CREATE INDEX ix_similarity_sample_run_id_id ON similarity_sample (run_id, id)",
    """CREATE TABLE stratum (
        run_id INTEGER NOT NULL,
        scope TEXT NOT NULL,
        planned INTEGER NOT NULL,
        n INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        cosine_min REAL,
        cosine_p01 REAL,
        cosine_mean REAL,
        below INTEGER NOT NULL,
        nan INTEGER NOT NULL,
        inf INTEGER NOT NULL,
        relative_l2_p99 REAL,
        norm_ratio_worst REAL,
        reference_tokens_per_s REAL,
        candidate_tokens_per_s REAL,
        speedup REAL,
        CONSTRAINT pk_stratum PRIMARY KEY (run_id, scope),
        CONSTRAINT ck_stratum_scope CHECK (scope IN ('short', 'medium', 'long', 'all')),
        CONSTRAINT ck_stratum_n_within_planned CHECK (n <= planned),
        CONSTRAINT fk_stratum_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT""",
)


def upgrade() -> None:
    """Create every table and index."""
    for statement in _STATEMENTS:
        op.execute(statement)

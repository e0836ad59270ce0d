"""The whole store: what a run is made of, metrics, layers, groups of repeats, baselines and comparisons.

Revision: 0002, after 0001

The table run is made anew, because the new columns stand before the long texts: a list of runs then never walks them.
Rows are copied one to one; what their JSON columns hold is filled into the new tables by core.store.backfill.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MADE_OF = (
    """CREATE TABLE environment (
        id INTEGER NOT NULL,
        perf_fingerprint TEXT NOT NULL,
        gpu_name TEXT,
        gpu_mem_mib REAL,
        compute_capability TEXT,
        power_limit_w REAL,
        driver TEXT,
        cuda TEXT,
        cudnn TEXT,
        torch TEXT NOT NULL,
        transformers TEXT,
        flash_attn TEXT,
        python TEXT,
        sqlite TEXT,
        cpu_model TEXT,
        cores INTEGER,
        ram_mib REAL,
        os TEXT,
        facts_json TEXT NOT NULL,
        created_at_us INTEGER NOT NULL,
        CONSTRAINT pk_environment PRIMARY KEY (id),
        CONSTRAINT ck_environment_facts_json_is_json CHECK (facts_json IS NULL OR json_valid(facts_json)),
        CONSTRAINT uq_environment_perf_fingerprint UNIQUE (perf_fingerprint)
    )
     STRICT""",
    """CREATE TABLE dataset (
        id INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        name TEXT NOT NULL,
        n_total INTEGER NOT NULL,
        n_short INTEGER NOT NULL,
        n_medium INTEGER NOT NULL,
        n_long INTEGER NOT NULL,
        cuts_json TEXT NOT NULL,
        sampler_seed INTEGER,
        source_uri TEXT,
        manifest_json TEXT NOT NULL,
        CONSTRAINT pk_dataset PRIMARY KEY (id),
        CONSTRAINT uq_dataset_sha256_cuts_json UNIQUE (sha256, cuts_json),
        CONSTRAINT ck_dataset_strata_add_up CHECK (n_total = n_short + n_medium + n_long),
        CONSTRAINT ck_dataset_cuts_json_is_json CHECK (cuts_json IS NULL OR json_valid(cuts_json)),
        CONSTRAINT ck_dataset_manifest_json_is_json CHECK (manifest_json IS NULL OR json_valid(manifest_json))
    )
     STRICT""",
    """CREATE TABLE model_artifact (
        id INTEGER NOT NULL,
        repo_id TEXT NOT NULL,
        revision TEXT DEFAULT '' NOT NULL,
        weights_sha256 TEXT NOT NULL,
        tokenizer TEXT,
        arch TEXT NOT NULL,
        n_params INTEGER,
        CONSTRAINT pk_model_artifact PRIMARY KEY (id),
        CONSTRAINT uq_model_artifact_repo_id_revision_weights_sha256 UNIQUE (repo_id, revision, weights_sha256)
    )
     STRICT""",
    """CREATE TABLE run_group (
        id INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        kind TEXT NOT NULL,
        label TEXT,
        repeats INTEGER NOT NULL,
        order_json TEXT NOT NULL,
        note TEXT,
        created_at_us INTEGER NOT NULL,
        CONSTRAINT pk_run_group PRIMARY KEY (id),
        CONSTRAINT ck_run_group_kind CHECK (kind IN ('validate', 'fp32_compare', 'search', 'aa_calibration')),
        CONSTRAINT ck_run_group_repeats CHECK (repeats > 0),
        CONSTRAINT ck_run_group_order_json_is_json CHECK (order_json IS NULL OR json_valid(order_json)),
        CONSTRAINT uq_run_group_uuid UNIQUE (uuid)
    )
     STRICT""",
)

_OLD_COLUMNS = (
    "id, uuid, name, status, status_reason, error_type, exit_code, phase, model, input, precision, "
    "precision_reason, reference, config_json, dataset_json, model_json, environment_json, device, done, total, "
    "eta_s, verdict, sentence, speed_verdict, speedup, end_to_end_speedup, findings_json, arms_json, speedup_json, "
    "measures_json, host, boot_id, worker_pid, worker_start_ticks, created_at_us, started_at_us, heartbeat_at_us, "
    "ended_at_us"
)

# The name last: children point to "run" all the time, and with foreign_keys off dropping it takes none of them along.
_RUN = (
    """CREATE TABLE run_0002 (
        id INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        name TEXT,
        note TEXT,
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
        group_id INTEGER,
        repeat_idx INTEGER,
        model_id INTEGER,
        dataset_id INTEGER,
        environment_id INTEGER,
        accuracy_key TEXT,
        perf_key TEXT,
        device TEXT,
        done INTEGER DEFAULT 0 NOT NULL,
        total INTEGER DEFAULT 0 NOT NULL,
        eta_s REAL,
        verdict TEXT,
        sentence TEXT,
        speed_verdict TEXT,
        speedup REAL,
        end_to_end_speedup REAL,
        perf_valid INTEGER,
        perf_invalid_reason TEXT,
        clock_suspect INTEGER,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        worker_pid INTEGER,
        worker_start_ticks INTEGER,
        created_at_us INTEGER NOT NULL,
        started_at_us INTEGER,
        heartbeat_at_us INTEGER,
        ended_at_us INTEGER,
        archived_at_us INTEGER,
        config_json TEXT NOT NULL,
        accuracy_facts_json TEXT,
        perf_facts_json TEXT,
        dataset_json TEXT,
        model_json TEXT,
        environment_json TEXT,
        findings_json TEXT,
        arms_json TEXT,
        speedup_json TEXT,
        measures_json TEXT,
        CONSTRAINT pk_run PRIMARY KEY (id),
        CONSTRAINT uq_run_group_id_precision_model_repeat_idx UNIQUE (group_id, precision, model, repeat_idx),
        CONSTRAINT ck_run_status CHECK (status IN ('queued', 'starting', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
        CONSTRAINT ck_run_ended_when_terminal CHECK ((status IN ('completed', 'failed', 'cancelled', 'interrupted')) = (ended_at_us IS NOT NULL)),
        CONSTRAINT ck_run_done_within_total CHECK (done <= total),
        CONSTRAINT ck_run_verdict CHECK (verdict IN ('PASS', 'WARN', 'FAIL', 'INVALID')),
        CONSTRAINT ck_run_perf_valid CHECK (perf_valid IN (0, 1)),
        CONSTRAINT ck_run_clock_suspect CHECK (clock_suspect IN (0, 1)),
        CONSTRAINT ck_run_config_json_is_json CHECK (config_json IS NULL OR json_valid(config_json)),
        CONSTRAINT ck_run_accuracy_facts_json_is_json CHECK (accuracy_facts_json IS NULL OR json_valid(accuracy_facts_json)),
        CONSTRAINT ck_run_perf_facts_json_is_json CHECK (perf_facts_json IS NULL OR json_valid(perf_facts_json)),
        CONSTRAINT ck_run_dataset_json_is_json CHECK (dataset_json IS NULL OR json_valid(dataset_json)),
        CONSTRAINT ck_run_model_json_is_json CHECK (model_json IS NULL OR json_valid(model_json)),
        CONSTRAINT ck_run_environment_json_is_json CHECK (environment_json IS NULL OR json_valid(environment_json)),
        CONSTRAINT ck_run_findings_json_is_json CHECK (findings_json IS NULL OR json_valid(findings_json)),
        CONSTRAINT ck_run_arms_json_is_json CHECK (arms_json IS NULL OR json_valid(arms_json)),
        CONSTRAINT ck_run_speedup_json_is_json CHECK (speedup_json IS NULL OR json_valid(speedup_json)),
        CONSTRAINT ck_run_measures_json_is_json CHECK (measures_json IS NULL OR json_valid(measures_json)),
        CONSTRAINT uq_run_uuid UNIQUE (uuid),
        CONSTRAINT fk_run_group_id_run_group FOREIGN KEY(group_id) REFERENCES run_group (id) ON DELETE RESTRICT,
        CONSTRAINT fk_run_model_id_model_artifact FOREIGN KEY(model_id) REFERENCES model_artifact (id) ON DELETE RESTRICT,
        CONSTRAINT fk_run_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE RESTRICT,
        CONSTRAINT fk_run_environment_id_environment FOREIGN KEY(environment_id) REFERENCES environment (id) ON DELETE RESTRICT
    )
     STRICT""",
    f"INSERT INTO run_0002 ({_OLD_COLUMNS}) SELECT {_OLD_COLUMNS} FROM run",
    "DROP TABLE run",
    "ALTER TABLE run_0002 RENAME TO run",
    "CREATE INDEX ix_run_accuracy_key_status_started_at_us ON run (accuracy_key, status, started_at_us)",
    "CREATE INDEX ix_run_group_id ON run (group_id)",
    "CREATE INDEX ix_run_name ON run (name)",
    "CREATE INDEX ix_run_perf_key_status_started_at_us ON run (perf_key, status, started_at_us)",
    "CREATE INDEX ix_run_status ON run (status)",
)

# Added at the end, which touches no row: these tables may hold millions.
_ADDED = (
    "ALTER TABLE sequence_result ADD COLUMN seq_hash INTEGER",
    "ALTER TABLE alert ADD COLUMN layer TEXT",
)

_MEASURED_AND_JUDGED = (
    """CREATE TABLE metric_def (
        name TEXT NOT NULL,
        unit TEXT NOT NULL,
        direction TEXT NOT NULL,
        family TEXT NOT NULL,
        is_primary INTEGER NOT NULL,
        min_effect REAL,
        noise_floor REAL,
        CONSTRAINT pk_metric_def PRIMARY KEY (name),
        CONSTRAINT ck_metric_def_direction CHECK (direction IN ('lower', 'higher', 'target')),
        CONSTRAINT ck_metric_def_family CHECK (family IN ('correctness', 'perf', 'resource', 'distribution')),
        CONSTRAINT ck_metric_def_is_primary CHECK (is_primary IN (0, 1))
    )
     WITHOUT ROWID,
     STRICT""",
    """CREATE TABLE metric (
        run_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        scope TEXT NOT NULL,
        value REAL,
        n INTEGER NOT NULL,
        nonfinite INTEGER NOT NULL,
        ci_lo REAL,
        ci_hi REAL,
        CONSTRAINT pk_metric PRIMARY KEY (run_id, name, scope),
        CONSTRAINT ck_metric_missing_has_a_reason CHECK (value IS NOT NULL OR nonfinite > 0 OR n = 0),
        CONSTRAINT fk_metric_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT""",
    "CREATE INDEX ix_metric_name_scope_run_id ON metric (name, scope, run_id)",
    """CREATE TABLE layer_stat (
        run_id INTEGER NOT NULL,
        layer TEXT NOT NULL,
        scope TEXT NOT NULL,
        mean REAL,
        std REAL,
        absmax REAL,
        outlier_share REAL,
        nonfinite INTEGER NOT NULL,
        CONSTRAINT pk_layer_stat PRIMARY KEY (run_id, layer, scope),
        CONSTRAINT fk_layer_stat_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT""",
    """CREATE TABLE baseline (
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        key_kind TEXT NOT NULL,
        "key" TEXT NOT NULL,
        mode TEXT NOT NULL,
        window_n INTEGER,
        reason TEXT NOT NULL,
        run_uuids_json TEXT NOT NULL,
        created_at_us INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        retired_at_us INTEGER,
        retired_reason TEXT,
        CONSTRAINT pk_baseline PRIMARY KEY (id),
        CONSTRAINT ck_baseline_key_kind CHECK (key_kind IN ('accuracy', 'perf')),
        CONSTRAINT ck_baseline_mode CHECK (mode IN ('pinned', 'rolling')),
        CONSTRAINT ck_baseline_window_when_rolling CHECK ((mode = 'rolling') = (window_n IS NOT NULL)),
        CONSTRAINT ck_baseline_retired_with_a_reason CHECK ((retired_at_us IS NULL) = (retired_reason IS NULL)),
        CONSTRAINT ck_baseline_run_uuids_json_is_json CHECK (run_uuids_json IS NULL OR json_valid(run_uuids_json))
    )
     STRICT""",
    'CREATE UNIQUE INDEX uq_baseline_active ON baseline (name, key_kind, "key") WHERE retired_at_us IS NULL',
    """CREATE TABLE baseline_member (
        baseline_id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        CONSTRAINT pk_baseline_member PRIMARY KEY (baseline_id, run_id),
        CONSTRAINT fk_baseline_member_baseline_id_baseline FOREIGN KEY(baseline_id) REFERENCES baseline (id) ON DELETE CASCADE,
        CONSTRAINT fk_baseline_member_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE RESTRICT
    )
     WITHOUT ROWID,
     STRICT""",
    "CREATE INDEX ix_baseline_member_run_id ON baseline_member (run_id)",
    """CREATE TABLE comparison (
        id INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        candidate_group_id INTEGER,
        baseline_id INTEGER,
        candidate_runs_json TEXT NOT NULL,
        base_runs_json TEXT NOT NULL,
        rule_version INTEGER NOT NULL,
        rule_json TEXT NOT NULL,
        comparability TEXT NOT NULL,
        differences_json TEXT NOT NULL,
        verdict TEXT NOT NULL,
        sentence TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        created_at_us INTEGER NOT NULL,
        CONSTRAINT pk_comparison PRIMARY KEY (id),
        CONSTRAINT ck_comparison_candidate_runs_json_is_json CHECK (candidate_runs_json IS NULL OR json_valid(candidate_runs_json)),
        CONSTRAINT ck_comparison_base_runs_json_is_json CHECK (base_runs_json IS NULL OR json_valid(base_runs_json)),
        CONSTRAINT ck_comparison_rule_json_is_json CHECK (rule_json IS NULL OR json_valid(rule_json)),
        CONSTRAINT ck_comparison_differences_json_is_json CHECK (differences_json IS NULL OR json_valid(differences_json)),
        CONSTRAINT uq_comparison_uuid UNIQUE (uuid),
        CONSTRAINT fk_comparison_candidate_group_id_run_group FOREIGN KEY(candidate_group_id) REFERENCES run_group (id) ON DELETE RESTRICT,
        CONSTRAINT fk_comparison_baseline_id_baseline FOREIGN KEY(baseline_id) REFERENCES baseline (id) ON DELETE RESTRICT
    )
     STRICT""",
    "CREATE INDEX ix_comparison_candidate_group_id ON comparison (candidate_group_id)",
    """CREATE TABLE comparison_item (
        comparison_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        scope TEXT NOT NULL,
        base_value REAL,
        cand_value REAL,
        n_base INTEGER NOT NULL,
        n_cand INTEGER NOT NULL,
        effect REAL,
        ci_lo REAL,
        ci_hi REAL,
        p_raw REAL,
        p_adj REAL,
        min_effect REAL,
        verdict TEXT NOT NULL,
        reason TEXT NOT NULL,
        CONSTRAINT pk_comparison_item PRIMARY KEY (comparison_id, name, scope),
        CONSTRAINT fk_comparison_item_comparison_id_comparison FOREIGN KEY(comparison_id) REFERENCES comparison (id) ON DELETE RESTRICT
    )
     WITHOUT ROWID,
     STRICT""",
    "CREATE TRIGGER comparison_refuses_update BEFORE UPDATE ON comparison "
    "BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END",
    "CREATE TRIGGER comparison_refuses_delete BEFORE DELETE ON comparison "
    "BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END",
    "CREATE TRIGGER comparison_item_refuses_update BEFORE UPDATE ON comparison_item "
    "BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END",
    "CREATE TRIGGER comparison_item_refuses_delete BEFORE DELETE ON comparison_item "
    "BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END",
)

# Name, unit, which way is better, family, whether it decides first, and the smallest effect that counts: a share, for
# gpu.utilization percentage points (rule of core/regress; noise_floor is filled by a calibration).
_METRICS = (
    "('candidate.end_to_end_tokens_per_s', 'tokens/s', 'higher', 'perf', 1, 0.05)",
    "('candidate.tokens_per_s', 'tokens/s', 'higher', 'perf', 0, 0.05)",
    "('candidate.seconds', 's', 'lower', 'perf', 0, 0.05)",
    "('candidate.end_to_end_seconds', 's', 'lower', 'perf', 0, 0.05)",
    "('candidate.load_seconds', 's', 'lower', 'perf', 0, 0.05)",
    "('candidate.peak_memory_mib', 'MiB', 'lower', 'resource', 0, 0.02)",
    "('reference.end_to_end_tokens_per_s', 'tokens/s', 'higher', 'perf', 0, NULL)",
    "('reference.tokens_per_s', 'tokens/s', 'higher', 'perf', 0, NULL)",
    "('reference.seconds', 's', 'lower', 'perf', 0, NULL)",
    "('reference.end_to_end_seconds', 's', 'lower', 'perf', 0, NULL)",
    "('reference.load_seconds', 's', 'lower', 'perf', 0, NULL)",
    "('reference.peak_memory_mib', 'MiB', 'lower', 'resource', 0, NULL)",
    "('speedup.tokens_per_s', 'ratio', 'higher', 'perf', 0, 0.05)",
    "('speedup.end_to_end', 'ratio', 'higher', 'perf', 0, 0.05)",
    "('gpu.utilization', '%', 'higher', 'resource', 0, 5.0)",
    "('gpu.memory_used_mib', 'MiB', 'lower', 'resource', 0, 0.02)",
    "('gpu.power_w', 'W', 'lower', 'resource', 0, NULL)",
    "('V1.nan', 'sequences', 'lower', 'correctness', 0, NULL)",
    "('V1.inf', 'sequences', 'lower', 'correctness', 0, NULL)",
    "('M1.min', 'cosine', 'higher', 'correctness', 1, NULL)",
    "('M1.p01', 'cosine', 'higher', 'correctness', 0, NULL)",
    "('M1.mean', 'cosine', 'higher', 'correctness', 0, NULL)",
    "('M1.below', 'sequences', 'lower', 'correctness', 0, NULL)",
    "('M4.relative_l2_p99', 'ratio', 'lower', 'correctness', 0, NULL)",
    "('M5.norm_ratio_worst', 'ratio', 'target', 'correctness', 0, NULL)",
)


def upgrade() -> None:
    """Create, rebuild, add, and say what the metrics mean."""
    for statement in (*_MADE_OF, *_RUN, *_ADDED, *_MEASURED_AND_JUDGED):
        op.execute(statement)
    columns = "name, unit, direction, family, is_primary, min_effect"
    op.execute(f"INSERT INTO metric_def ({columns}) VALUES {', '.join(_METRICS)}")

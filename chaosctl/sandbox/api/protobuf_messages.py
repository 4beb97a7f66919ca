"""Why: field numbers are all of protobuf that has to be known, so they are a table, not generated code.

`number name [type]`: the type is str where none is given; `*T` is repeated, `^T` inlined; int and bool lose
zero values, intpointer and boolpointer keep them; map, bytesmap and quantitymap have string keys.
"""

_META = "1 metadata Metadata"

MESSAGES: dict[str, str] = {
    "Unknown": "1 type TypeMeta|2 raw bytes|3 contentEncoding|4 contentType",
    "TypeMeta": "1 apiVersion|2 kind",
    "Metadata": (
        "1 name|2 generateName|3 namespace|4 selfLink|5 uid|6 resourceVersion|7 generation int|"
        "8 creationTimestamp time|9 deletionTimestamp time|10 deletionGracePeriodSeconds intpointer|"
        "11 labels map|12 annotations map|13 ownerReferences *OwnerReference|14 finalizers *str"
    ),
    "OwnerReference": (
        "1 kind|3 name|4 uid|5 apiVersion|6 controller boolpointer|7 blockOwnerDeletion boolpointer"
    ),
    "IntOrString": "1 type int|2 int intpointer|3 string",
    "Quantity": "1 string",
    "DeleteOptions": (
        "1 gracePeriodSeconds intpointer|2 preconditions Preconditions|3 orphanDependents boolpointer|"
        "4 propagationPolicy|5 dryRun *str"
    ),
    "Preconditions": "1 uid|2 resourceVersion",
    "Eviction": f"{_META}|2 deleteOptions DeleteOptions",
    "Namespace": f"{_META}|2 spec NamespaceSpec|3 status NamespaceStatus",
    "NamespaceSpec": "1 finalizers *str",
    "NamespaceStatus": "1 phase",
    "ServiceAccount": f"{_META}|4 automountServiceAccountToken boolpointer",
    "ConfigMap": f"{_META}|2 data map|3 binaryData bytesmap|4 immutable boolpointer",
    "Secret": f"{_META}|2 data bytesmap|3 type|4 stringData map|5 immutable boolpointer",
    "Event": (
        f"{_META}|2 involvedObject ObjectReference|3 reason|4 message|5 source EventSource|"
        "6 firstTimestamp time|7 lastTimestamp time|8 count int|9 type|12 action|14 reportingComponent|"
        "15 reportingInstance"
    ),
    "ObjectReference": "1 kind|2 namespace|3 name|4 uid|5 apiVersion|6 resourceVersion|7 fieldPath",
    "EventSource": "1 component|2 host",
    "SelfSubjectReview": _META,
    "SelfSubjectAccessReview": f"{_META}|2 spec AccessSpec",
    "SubjectAccessReview": f"{_META}|2 spec SubjectSpec",
    "LocalSubjectAccessReview": f"{_META}|2 spec SubjectSpec",
    "AccessSpec": "1 resourceAttributes ResourceAttributes|2 nonResourceAttributes PathAttributes",
    "SubjectSpec": (
        "1 resourceAttributes ResourceAttributes|2 nonResourceAttributes PathAttributes|3 user|4 groups *str|"
        "6 uid"
    ),
    "ResourceAttributes": "1 namespace|2 verb|3 group|4 version|5 resource|6 subresource|7 name",
    "PathAttributes": "1 path|2 verb",
    "SelfSubjectRulesReview": f"{_META}|2 spec RulesSpec",
    "RulesSpec": "1 namespace",
    "TokenRequest": f"{_META}|2 spec TokenRequestSpec",
    "TokenRequestSpec": "1 audiences *str|3 boundObjectRef ObjectReference|4 expirationSeconds intpointer",
    "Deployment": f"{_META}|2 spec DeploymentSpec|3 status Ignored",
    "Ignored": "",
    "DeploymentSpec": (
        "1 replicas intpointer|2 selector LabelSelector|3 template PodTemplate|4 strategy DeploymentStrategy|"
        "5 minReadySeconds int|6 revisionHistoryLimit intpointer|7 paused bool|"
        "9 progressDeadlineSeconds intpointer"
    ),
    "DeploymentStrategy": "1 type|2 rollingUpdate RollingUpdate",
    "RollingUpdate": "1 maxUnavailable IntOrString|2 maxSurge IntOrString",
    "LabelSelector": "1 matchLabels map|2 matchExpressions *Requirement",
    "Requirement": "1 key|2 operator|3 values *str",
    "PodTemplate": "1 metadata Metadata|2 spec PodSpec",
    "Pod": f"{_META}|2 spec PodSpec|3 status Ignored",
    "PodSpec": (
        "2 containers *Container|3 restartPolicy|4 terminationGracePeriodSeconds intpointer|"
        "5 activeDeadlineSeconds intpointer|6 dnsPolicy|7 nodeSelector map|8 serviceAccountName|"
        "9 serviceAccount|10 nodeName|11 hostNetwork bool|16 hostname|"
        "19 schedulerName|20 initContainers *Container|24 priorityClassName|25 priority intpointer|"
        "30 enableServiceLinks boolpointer"
    ),
    "Container": (
        "1 name|2 image|3 command *str|4 args *str|5 workingDir|6 ports *ContainerPort|"
        "7 env *EnvironmentVariable|8 resources Resources|13 terminationMessagePath|14 imagePullPolicy|"
        "16 stdin bool|17 stdinOnce bool|18 tty bool|20 terminationMessagePolicy"
    ),
    "ContainerPort": "1 name|2 hostPort int|3 containerPort int|4 protocol|5 hostIP",
    "EnvironmentVariable": "1 name|2 value",
    "Resources": "1 limits quantitymap|2 requests quantitymap",
    "Job": f"{_META}|2 spec JobSpec|3 status Ignored",
    "JobSpec": (
        "1 parallelism intpointer|2 completions intpointer|3 activeDeadlineSeconds intpointer|"
        "4 selector LabelSelector|5 manualSelector boolpointer|6 template PodTemplate|"
        "7 backoffLimit intpointer|8 ttlSecondsAfterFinished intpointer|9 completionMode|"
        "10 suspend boolpointer|14 podReplacementPolicy"
    ),
    "CronJob": f"{_META}|2 spec CronJobSpec|3 status Ignored",
    "CronJobSpec": (
        "1 schedule|2 startingDeadlineSeconds intpointer|3 concurrencyPolicy|4 suspend boolpointer|"
        "5 jobTemplate JobTemplate|6 successfulJobsHistoryLimit intpointer|"
        "7 failedJobsHistoryLimit intpointer|8 timeZone"
    ),
    "JobTemplate": "1 metadata Metadata|2 spec JobSpec",
    "Role": f"{_META}|2 rules *PolicyRule",
    "ClusterRole": f"{_META}|2 rules *PolicyRule|3 aggregationRule AggregationRule",
    "AggregationRule": "1 clusterRoleSelectors *LabelSelector",
    "PolicyRule": (
        "1 verbs *str|2 apiGroups *str|3 resources *str|4 resourceNames *str|5 nonResourceURLs *str"
    ),
    "RoleBinding": f"{_META}|2 subjects *Subject|3 roleRef RoleReference",
    "ClusterRoleBinding": f"{_META}|2 subjects *Subject|3 roleRef RoleReference",
    "Subject": "1 kind|2 apiGroup|3 name|4 namespace",
    "RoleReference": "1 apiGroup|2 kind|3 name",
    "Service": f"{_META}|2 spec ServiceSpec|3 status Ignored",
    "ServiceSpec": (
        "1 ports *ServicePort|2 selector map|3 clusterIP|4 type|5 externalIPs *str|7 sessionAffinity|"
        "8 loadBalancerIP|10 externalName|11 externalTrafficPolicy|13 publishNotReadyAddresses bool|"
        "17 ipFamilyPolicy|18 clusterIPs *str|19 ipFamilies *str|22 internalTrafficPolicy"
    ),
    "ServicePort": "1 name|2 protocol|3 port int|4 targetPort IntOrString|5 nodePort int|6 appProtocol",
    "Ingress": f"{_META}|2 spec IngressSpec|3 status Ignored",
    "IngressSpec": (
        "1 defaultBackend IngressBackend|2 tls *IngressTls|3 rules *IngressRule|4 ingressClassName"
    ),
    "IngressTls": "1 hosts *str|2 secretName",
    "IngressRule": "1 host|2 _ ^IngressRuleValue",
    "IngressRuleValue": "1 http IngressHttp",
    "IngressHttp": "1 paths *IngressPath",
    "IngressPath": "1 path|2 backend IngressBackend|3 pathType",
    "IngressBackend": "4 service IngressService",
    "IngressService": "1 name|2 port IngressPort",
    "IngressPort": "1 name|2 number int",
    "ResourceQuota": f"{_META}|2 spec ResourceQuotaSpec|3 status Ignored",
    "ResourceQuotaSpec": "1 hard quantitymap|2 scopes *str",
    "PodDisruptionBudget": f"{_META}|2 spec DisruptionBudgetSpec|3 status Ignored",
    "DisruptionBudgetSpec": (
        "1 minAvailable IntOrString|2 selector LabelSelector|3 maxUnavailable IntOrString|"
        "4 unhealthyPodEvictionPolicy"
    ),
    "PriorityClass": f"{_META}|2 value intpointer|3 globalDefault bool|4 description|5 preemptionPolicy",
    "HorizontalPodAutoscaler": f"{_META}|2 spec AutoscalerSpec|3 status Ignored",
    "AutoscalerSpec": "1 scaleTargetRef ScaleTarget|2 minReplicas intpointer|3 maxReplicas int",
    "ScaleTarget": "1 kind|2 name|3 apiVersion",
    "Scale": f"{_META}|2 spec ScaleSpec|3 status Ignored",
    "ScaleSpec": "1 replicas int",
    "Lease": f"{_META}|2 spec LeaseSpec",
    "LeaseSpec": "1 holderIdentity|2 leaseDurationSeconds intpointer",
}
